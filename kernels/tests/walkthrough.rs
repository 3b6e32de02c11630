//! The walk-through of `README.md` names files and functions that exist.

use std::path::Path;

const HEADING: &str = "## From `distances` to `vpdpbusd`";

/// The texts between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn each_file_of_the_walkthrough_has_what_it_names() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(workspace.join("kernels/README.md")).unwrap();
    let (_, section) = readme.split_once(HEADING).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut rows = 0;
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let [_, file, functions, _, _] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("three cells a row: {line}");
        };
        let file = names(file).next().unwrap();
        let code = std::fs::read_to_string(workspace.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let functions: Vec<&str> = names(functions).collect();
        assert!(!functions.is_empty(), "no function of {file}");
        for function in functions {
            let defines = |after: char| code.contains(&format!("fn {function}{after}"));
            assert!(defines('(') || defines('<'), "no function {function} in {file}");
        }
        rows += 1;
    }
    assert!(rows >= 8, "{rows} steps");
}
