//! The modules of a crate, each with its file.

use super::source::{Child, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The modules by path. The root has the empty path.
pub(super) type Modules = BTreeMap<Vec<String>, Module>;

/// Reads a file, if there is one.
pub(super) type Load<'a> = &'a dyn Fn(&Path) -> Option<String>;

pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) source: Source,
}

/// Reads the crate whose root is the file `root`.
pub(super) fn read(root: &Path, load: Load<'_>) -> Result<Modules, String> {
    let text = load(root).ok_or_else(|| format!("{}: cannot read it", root.display()))?;
    let mut modules = Modules::new();
    let mut left = vec![(Vec::new(), root.to_owned(), text)];
    while let Some((at, file, text)) = left.pop() {
        let source = Source::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        for child in &source.children {
            let (below, text) = candidates(&file, at.is_empty(), child)
                .into_iter()
                .find_map(|path| load(&path).map(|text| (path, text)))
                .ok_or_else(|| format!("{}: cannot read the file of module {}", file.display(), child.name))?;
            left.push((path_of_child(&at, &child.name), below, text));
        }
        modules.insert(at, Module { file, source });
    }
    Ok(modules)
}

/// The path of a child of module `at`.
pub(super) fn path_of_child(at: &[String], name: &str) -> Vec<String> {
    at.iter().cloned().chain([name.to_owned()]).collect()
}

/// Where the file of a child module may be.
fn candidates(file: &Path, is_root: bool, child: &Child) -> Vec<PathBuf> {
    let beside = file.parent().unwrap_or(Path::new(""));
    if let Some(path) = &child.path {
        return vec![beside.join(path)];
    }
    let folder = if is_root || file.ends_with("mod.rs") { beside.to_owned() } else { file.with_extension("") };
    vec![folder.join(format!("{}.rs", child.name)), folder.join(&child.name).join("mod.rs")]
}
