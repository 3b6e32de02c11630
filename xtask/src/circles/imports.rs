//! The names that `use` brings into a module.

use syn::{ItemUse, UseTree, Visibility};

/// A name from elsewhere.
pub(super) struct Import {
    /// The name in this module, or [`ALL`].
    pub(super) name: String,
    pub(super) path: Vec<String>,
    /// Whether other modules see it: then it is passed on, and not needed here.
    pub(super) passed_on: bool,
}

/// The name of a glob import.
pub(super) const ALL: &str = "*";

/// The imports of an item.
pub(super) fn of(item: &ItemUse) -> Vec<Import> {
    let passed_on = !matches!(item.vis, Visibility::Inherited);
    let mut found = Vec::new();
    // A leading `::` means another package.
    if item.leading_colon.is_none() {
        leaves(&item.tree, &mut Vec::new(), &mut |name, path| found.push(Import { name, path, passed_on }));
    }
    found
}

/// Calls `take` with the name and the path of each leaf below `path`.
fn leaves(tree: &UseTree, path: &mut Vec<String>, take: &mut dyn FnMut(String, Vec<String>)) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            leaves(&step.tree, path, take);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, path, take)),
        UseTree::Glob(_) => take(ALL.into(), path.clone()),
        UseTree::Name(leaf) => leaf_of(&leaf.ident.to_string(), None, path, take),
        UseTree::Rename(leaf) => leaf_of(&leaf.ident.to_string(), Some(leaf.rename.to_string()), path, take),
    }
}

/// A leaf `self` stands for the path before it.
fn leaf_of(leaf: &str, renamed: Option<String>, path: &[String], take: &mut dyn FnMut(String, Vec<String>)) {
    let mut path = path.to_vec();
    if leaf != "self" {
        path.push(leaf.into());
    }
    if let Some(name) = renamed.or_else(|| path.last().cloned()) {
        take(name, path);
    }
}
