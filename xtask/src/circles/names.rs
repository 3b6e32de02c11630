//! Finds the module that defines what a path names.

use super::imports::{ALL, Import};
use super::modules::{Modules, path_of_child};

/// What a path names.
pub(super) enum Named {
    /// The module itself.
    Module(Vec<String>),
    /// An item that this module defines.
    Item(Vec<String>),
}

/// The most imports on the way to an item. It ends imports that lead to themselves, as `use serde;` does.
const MOST_STEPS: usize = 32;

/// What `path` names in module `at`; `None` if it is nothing of this crate.
pub(super) fn find(modules: &Modules, at: &[String], path: &[String]) -> Option<Named> {
    from(modules, at, path, MOST_STEPS).or_else(|| through_globs(modules, at, path, MOST_STEPS))
}

/// As [`find`], without what glob imports bring into `at`.
fn from(modules: &Modules, at: &[String], path: &[String], steps: usize) -> Option<Named> {
    let steps = steps.checked_sub(1)?;
    let (first, rest) = path.split_first()?;
    let (mut at, mut path) = match first.as_str() {
        "crate" => (&[][..], rest),
        "self" => (at, rest),
        "super" => (at, path),
        name if has(modules, at, name) => (at, path),
        _ => return None,
    };
    while let Some((_, rest)) = path.split_first().filter(|(first, _)| *first == "super") {
        (_, at) = at.split_last()?;
        path = rest;
    }
    below(modules, at, path, steps)
}

/// What `path` names if module `at` is where it begins.
fn below(modules: &Modules, at: &[String], path: &[String], steps: usize) -> Option<Named> {
    let Some((name, rest)) = path.split_first() else { return Some(Named::Module(at.to_vec())) };
    let child = Some(path_of_child(at, name)).filter(|child| modules.contains_key(child));
    let mut imports = modules[at].source.imports.iter();
    let import = imports.find(|import| import.name == *name);
    match (child, import) {
        // A module and an item may have the same name; what follows it tells which is meant.
        (Some(child), import) if import.is_none() || !rest.is_empty() => below(modules, &child, rest, steps),
        (child, Some(import)) => {
            let path = [&import.path[..], rest].concat();
            // A macro is an item of this module and an import of the same name.
            let own = modules[at].source.items.contains(name).then(|| Named::Item(at.to_vec()));
            from(modules, at, &path, steps).or(child.map(Named::Module)).or(own)
        }
        _ if modules[at].source.items.contains(name) => Some(Named::Item(at.to_vec())),
        _ => through_globs(modules, at, path, steps).or_else(|| Some(Named::Item(at.to_vec()))),
    }
}

/// What `path` names by a glob import of module `at`.
fn through_globs(modules: &Modules, at: &[String], path: &[String], steps: usize) -> Option<Named> {
    let steps = steps.checked_sub(1)?;
    let first = path.first()?;
    let of_glob = |import: &Import| match from(modules, at, &import.path, steps) {
        Some(Named::Module(other)) if has(modules, &other, first) => below(modules, &other, path, steps),
        _ => None,
    };
    modules[at].source.imports.iter().filter(|import| import.name == ALL).find_map(of_glob)
}

/// Whether a module has a child, an import or an item of this name.
fn has(modules: &Modules, at: &[String], name: &str) -> bool {
    let source = &modules[at].source;
    source.items.contains(name)
        || source.imports.iter().any(|import| import.name == name)
        || source.children.iter().any(|child| child.name == name)
}
