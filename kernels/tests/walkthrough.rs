//! The walk-through of `README.md` names lines where what it names is found.

use std::path::Path;

const HEADING: &str = "## From `distances` to `vpdpbusd`";

/// The text between backticks.
fn name(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("a name in backticks: {cell}"))
}

/// Whether a line defines a function, or holds the name of an instruction.
fn has(line: &str, name: &str) -> bool {
    let defines = |after: char| line.contains(&format!("fn {name}{after}"));
    defines('(') || defines('<') || name.starts_with("_mm") && line.contains(name)
}

#[test]
fn each_line_of_the_walkthrough_has_what_it_names() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(workspace.join("kernels/README.md")).unwrap();
    let (_, section) = readme.split_once(HEADING).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (mut rows, mut wrong) = (0, Vec::new());
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let [_, place, function, _, _] = row.split('|').collect::<Vec<_>>()[..] else {
            panic!("three cells a row: {row}");
        };
        let (place, function) = (name(place), name(function));
        let (file, line) = place.split_once(':').unwrap_or_else(|| panic!("FILE:LINE: {place}"));
        let path = workspace.join("kernels/src").join(file);
        let code = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found: Vec<usize> =
            (1..).zip(code.lines()).filter(|(_, line)| has(line, function)).map(|at| at.0).collect();
        if !found.contains(&line.parse().unwrap()) {
            wrong.push(format!("{place} has no `{function}`; it is at {found:?}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 12, "{rows} steps");
}
