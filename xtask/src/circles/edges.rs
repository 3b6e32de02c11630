//! Which modules need which.

use super::modules::Modules;
use super::names::{self, Named};
use std::collections::{BTreeMap, BTreeSet};

/// The modules that each module needs, except its ancestors and descendants.
pub(super) fn between(modules: &Modules) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let mut edges = BTreeMap::new();
    for (at, module) in modules {
        let needed: &mut BTreeSet<Vec<String>> = edges.entry(at.clone()).or_default();
        // A trait may be imported for its methods, so that no path names it.
        let imported = module.source.imports.iter().filter(|import| !import.passed_on).map(|import| &import.path);
        for path in imported.chain(&module.source.paths) {
            if let Some(Named::Item(other)) = names::find(modules, at, path)
                && !at.starts_with(&other)
                && !other.starts_with(at)
            {
                needed.insert(other);
            }
        }
    }
    edges
}
