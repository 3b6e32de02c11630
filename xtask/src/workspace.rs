//! The packages of the workspace, from `cargo metadata`.

use crate::shell;
use serde_json::Value;
use std::path::PathBuf;

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// The names of its dependencies of all kinds (normal, dev, build).
    pub(crate) dependencies: Vec<String>,
}

/// The root folder of the workspace. `cargo run` sets CARGO_MANIFEST_DIR. The checkout that compiled this program may be
/// another one that shares the target folder.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask has a parent").into()
}

/// All packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
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
        dependencies: list(&value["dependencies"]).map(|each| text(&each["name"])).collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
