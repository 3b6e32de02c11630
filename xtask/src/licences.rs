//! `cargo xtask licences`: every package that the workspace may be compiled with has a permissive licence.

use std::collections::BTreeMap;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::{Outcome, shell};

/// The licences that a user of OmenDB may be bound to. An expression has to be satisfied by these alone.
const PERMISSIVE: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

pub(crate) fn run() -> Outcome {
    let arguments = ["metadata", "--format-version", "1", "--all-features"];
    let output =
        shell::cargo(&arguments).output().map_err(|error| format!("cannot start `cargo metadata`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata = serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata`: {error}"))?;
    let (count, refused) = check(&metadata);
    if refused.is_empty() && count > 0 {
        eprintln!("licences: {count} packages under permissive licences");
        return Ok(());
    }
    Err(format!(
        "{} of {count} packages have no permissive licence ({}):\n  {}",
        refused.len(),
        PERMISSIVE.join(", "),
        refused.join("\n  ")
    ))
}

/// The number of packages in the output of `cargo metadata`, and a line for each that is refused: its name, what was found,
/// and which packages need it.
fn check(metadata: &Value) -> (usize, Vec<String>) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let names: BTreeMap<String, String> = packages
        .iter()
        .map(|package| (text(&package["id"]), format!("{} {}", text(&package["name"]), text(&package["version"]))))
        .collect();
    let mut refused = Vec::new();
    for package in &packages {
        let Err(found) = permissive(package["license"].as_str()) else { continue };
        let id = &package["id"];
        let needed_by: Vec<&str> = list(&metadata["resolve"]["nodes"])
            .iter()
            .filter(|node| list(&node["dependencies"]).contains(id))
            .filter_map(|node| names.get(&text(&node["id"])).map(String::as_str))
            .collect();
        let needed_by = if needed_by.is_empty() { "no other package".into() } else { needed_by.join(", ") };
        refused.push(format!("{}: {found}; needed by {needed_by}", names[&text(id)]));
    }
    (packages.len(), refused)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether the permissive licences satisfy an expression. The error says what was found.
fn permissive(licence: Option<&str>) -> Result<(), String> {
    let Some(licence) = licence else {
        return Err("found no licence expression".into());
    };
    // Old manifests separate alternatives by a slash.
    let expression = Expression::parse_mode(licence, ParseMode::LAX)
        .map_err(|error| format!("found '{licence}', which is no SPDX expression ({})", error.reason))?;
    if expression.evaluate(|one| PERMISSIVE.contains(&one.to_string().as_str())) {
        return Ok(());
    }
    Err(format!("found '{licence}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check, permissive};

    #[test]
    fn a_package_under_the_gpl_alone_is_refused_with_what_needs_it() {
        let package =
            |name: &str, licence: &str| json!({ "id": name, "name": name, "version": "1.2.3", "license": licence });
        let metadata = json!({
            "packages": [package("ours", "MIT OR Apache-2.0"), package("theirs", "GPL-3.0-only"), package("free", "MIT")],
            "resolve": { "nodes": [
                { "id": "ours", "dependencies": ["theirs", "free"] },
                { "id": "theirs", "dependencies": [] },
            ] },
        });
        let (count, refused) = check(&metadata);
        assert_eq!((count, refused), (3, vec!["theirs 1.2.3: found 'GPL-3.0-only'; needed by ours 1.2.3".to_owned()]));
    }

    #[test]
    fn an_expression_needs_one_permissive_way() {
        for accepted in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        ] {
            assert_eq!(permissive(Some(accepted)), Ok(()), "{accepted}");
        }
        for refused in [
            "AGPL-3.0-or-later",
            "MIT AND GPL-3.0-only",
            "GPL-3.0-only WITH Classpath-exception-2.0",
            "MPL-2.0",
            "LicenseRef-ours",
            "free of charge",
        ] {
            let found = permissive(Some(refused)).unwrap_err();
            assert!(found.contains(refused), "{found}");
        }
        assert!(permissive(None).unwrap_err().contains("no licence"));
    }
}
