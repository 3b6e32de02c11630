//! The packages of the workspace, from `cargo metadata`.

use crate::shell;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The root files of its library and its programs.
    pub(crate) roots: Vec<PathBuf>,
    /// The names of its dependencies of all kinds (normal, dev, build).
    pub(crate) dependencies: Vec<String>,
}

impl Package {
    /// The name of its folder.
    pub(crate) fn label(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
    }
}

/// All packages of the workspace.
pub(crate) fn all() -> Result<Vec<Package>, String> {
    let output = shell::cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cannot start `cargo metadata`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` printed no JSON: {error}"))?;
    Ok(list(&metadata["packages"]).map(package).collect())
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Package {
        name: text(&value["name"]),
        folder: Path::new(&text(&value["manifest_path"])).parent().expect("a manifest is in a folder").into(),
        roots: list(&value["targets"]).filter(has_kept_code).map(|each| text(&each["src_path"]).into()).collect(),
        dependencies: list(&value["dependencies"]).map(|each| text(&each["name"])).collect(),
    }
}

/// Whether a target is a library or a program, and not a test, an example or a benchmark.
fn has_kept_code(target: &&Value) -> bool {
    list(&target["kind"]).any(|kind| kind == "lib" || kind == "bin")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
