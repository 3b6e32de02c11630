//! `cargo xtask arrows`: the manifests against the dependencies between packages in ARCHITECTURE.md, then the files within the
//! packages.

use crate::members::Package;
use crate::{Outcome, circles, members, sizes};

/// Each package, and the packages of ours that it may depend on, including for tests and examples.
const PICTURE: &[(&str, &[&str])] = &[
    ("omendb-kernels", &[]),
    ("omendb-storage", &[]),
    ("omendb-formats", &[]),
    ("omendb-graph", &["omendb-kernels"]),
    ("omendb-engine", &["omendb-graph", "omendb-storage", "omendb-kernels"]),
    ("omendb", &["omendb-engine"]),
    ("omendb-cli", &["omendb-engine", "omendb-formats"]),
    ("omendb-benches", &["omendb-engine", "omendb-formats", "omendb-kernels", "omendb-storage"]),
    ("xtask", &[]),
];

pub(crate) fn run() -> Outcome {
    let packages = members::all()?;
    manifests(&packages)?;
    circles::run(&packages)?;
    sizes::run(&packages)
}

fn manifests(packages: &[Package]) -> Outcome {
    let edges: Vec<(&str, Vec<&str>)> = packages
        .iter()
        .map(|package| {
            let on = package.dependencies.iter().map(String::as_str).collect();
            (package.name.as_str(), on)
        })
        .collect();
    let defects = defects(&edges);
    if !defects.is_empty() {
        return Err(format!("the manifests differ from ARCHITECTURE.md:\n  {}", defects.join("\n  ")));
    }
    eprintln!("arrows: the dependencies of {} packages are as in ARCHITECTURE.md", packages.len());
    Ok(())
}

/// One sentence for every dependency that is not allowed, and for every package that only one side has.
fn defects(manifests: &[(&str, Vec<&str>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (package, dependencies) in manifests {
        let Some((_, allowed)) = PICTURE.iter().find(|(name, _)| name == package) else {
            found.push(format!("{package} is not in ARCHITECTURE.md"));
            continue;
        };
        for dependency in dependencies {
            let ours = manifests.iter().any(|(name, _)| name == dependency);
            if ours && !allowed.contains(dependency) {
                let allowed = if allowed.is_empty() { "none of ours".into() } else { allowed.join(", ") };
                found.push(format!("{package} depends on {dependency}; allowed: {allowed}"));
            }
        }
    }
    for (package, _) in PICTURE {
        if !manifests.iter().any(|(name, _)| name == package) {
            found.push(format!("{package} is in ARCHITECTURE.md and not in the workspace"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{PICTURE, defects};

    #[test]
    fn this_workspace_keeps_to_the_picture() {
        super::run().unwrap();
    }

    #[test]
    fn every_edge_outside_the_picture_is_named() {
        for (package, allowed) in PICTURE {
            for (other, _) in PICTURE {
                let mut manifests: Vec<(&str, Vec<&str>)> =
                    PICTURE.iter().map(|(name, _)| (*name, vec!["serde"])).collect();
                let of = manifests.iter_mut().find(|(name, _)| name == package).unwrap();
                of.1.push(other);
                let named = defects(&manifests);
                assert_eq!(named.is_empty(), allowed.contains(other), "{package} on {other}: {named:?}");
            }
        }
    }

    #[test]
    fn a_package_that_only_one_side_knows_is_named() {
        assert_eq!(defects(&[("omendb-new", vec![])]).len(), PICTURE.len() + 1);
    }
}
