//! The folder of the workspace.

use std::path::PathBuf;

/// The root folder of the workspace. `cargo run` sets CARGO_MANIFEST_DIR. The checkout that compiled this program may be
/// another one that shares the target folder.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask has a parent").into()
}
