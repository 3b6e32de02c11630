//! What the manifests say, as `cargo metadata` reads them.

use crate::shell;
use serde_json::Value;
use std::path::PathBuf;

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Names of what it depends on, of every kind (normal, dev, build).
    pub(crate) dependencies: Vec<String>,
}

/// The folder that holds the workspace's manifest. `cargo run` says where it started us; where we were compiled may be
/// another checkout, if both have one target folder.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask has a parent").into()
}

/// All packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let output = shell::cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("`cargo metadata` could not be started: {error}"))?;
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
