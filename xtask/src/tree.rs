//! Checks how many packages the engine depends on.

use std::collections::BTreeSet;

use crate::{Outcome, shell};

/// The most packages of `omendb-engine` with its default features, itself included.
const MOST: usize = 77;

pub(crate) fn run() -> Outcome {
    let arguments = ["tree", "--package", "omendb-engine", "--edges", "normal", "--prefix", "none"];
    let output = shell::cargo(&arguments).output().map_err(|error| format!("cannot start `cargo tree`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo tree`: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let packages = packages(&String::from_utf8_lossy(&output.stdout));
    if packages.len() > MOST {
        let all: Vec<&str> = packages.iter().map(String::as_str).collect();
        return Err(format!("omendb-engine needs {} packages; expected at most {MOST}: {}", all.len(), all.join(", ")));
    }
    eprintln!("tree: omendb-engine needs {} packages, its own included", packages.len());
    Ok(())
}

/// The name and version of each package in a tree, once.
fn packages(tree: &str) -> BTreeSet<String> {
    let lines = tree.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn a_package_counts_once() {
        let tree = "a v1.0.0 (/somewhere)\nb v2.0.0\nb v2.0.0 (*)\nb v3.0.0 (proc-macro)\n\n";
        assert_eq!(packages(tree).into_iter().collect::<Vec<_>>(), ["a v1.0.0", "b v2.0.0", "b v3.0.0"]);
    }
}
