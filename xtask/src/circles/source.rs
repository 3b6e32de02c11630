//! What a file says of others: its child modules, its imports and the paths in its code.

use super::conditions::only_in_tests;
use super::imports::{self, Import};
use super::tokens;
use proc_macro2::{Ident, TokenStream};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ImplItemFn, Item, ItemMod, Lit, Meta};

/// A file, without what only tests compile.
#[derive(Default)]
pub(super) struct Source {
    pub(super) children: Vec<Child>,
    pub(super) imports: Vec<Import>,
    /// The paths in its code, macros included.
    pub(super) paths: BTreeSet<Vec<String>>,
    /// The names of its items.
    pub(super) items: BTreeSet<String>,
    /// How many inline modules surround the present item.
    inline: usize,
}

/// A child module in a file of its own.
pub(super) struct Child {
    pub(super) name: String,
    /// Its file, if an attribute names it.
    pub(super) path: Option<String>,
}

impl Source {
    pub(super) fn parse(text: &str) -> syn::Result<Self> {
        let mut source = Self::default();
        source.visit_file(&syn::parse_file(text)?);
        Ok(source)
    }

    fn module(&mut self, module: &ItemMod) {
        match &module.content {
            Some((_, items)) => {
                self.inline += 1;
                items.iter().for_each(|item| self.visit_item(item));
                self.inline -= 1;
            }
            None => {
                let path = module.attrs.iter().find_map(path_of);
                self.children.push(Child { name: module.ident.to_string(), path });
            }
        }
    }

    /// The path as it would be outside of inline modules.
    fn outside(&self, path: Vec<String>) -> Vec<String> {
        let up = path.iter().take_while(|word| *word == "super").count().min(self.inline);
        if up == 0 { path } else { std::iter::once("self".into()).chain(path.into_iter().skip(up)).collect() }
    }

    fn take(&mut self, path: Vec<String>) {
        let path = self.outside(path);
        self.paths.insert(path);
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = head(item);
        if only_in_tests(attributes) {
            return;
        }
        self.items.extend(name.map(ToString::to_string));
        match item {
            Item::Mod(module) => self.module(module),
            Item::Use(item) => {
                let found = imports::of(item).into_iter();
                let outside = found.map(|import| Import { path: self.outside(import.path), ..import });
                let outside: Vec<Import> = outside.collect();
                self.imports.extend(outside);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !only_in_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.take(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        tokens::paths(tokens.clone(), &mut |path| self.take(path));
    }
}

/// The attributes of an item, and its name.
fn head(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// The file that `#[path = "…"]` names.
fn path_of(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
