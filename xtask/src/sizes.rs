//! Checks the lengths of the packages' files.

use crate::Outcome;
use crate::members::Package;
use std::fs;
use std::path::Path;

/// The most lines of a file.
const LONGEST: usize = 450;
/// The most lines of the median file of all packages.
const MEDIAN: usize = 110;

/// A file and its lines.
type Length = (usize, String);

pub(crate) fn run(packages: &[Package]) -> Outcome {
    let mut lengths = Vec::new();
    for package in packages {
        collect(&package.folder.join("src"), &format!("{}/src", package.label()), &mut lengths)?;
    }
    let (median, defects) = judge(&mut lengths);
    if !defects.is_empty() {
        return Err(format!("files are too long:\n  {}", defects.join("\n  ")));
    }
    eprintln!("sizes: the median of {} files has {median} lines", lengths.len());
    Ok(())
}

/// Adds the Rust files below a folder.
fn collect(folder: &Path, label: &str, lengths: &mut Vec<Length>) -> Outcome {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let label = format!("{label}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &label, lengths)?;
        } else if label.ends_with(".rs") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            lengths.push((text.lines().count(), label));
        }
    }
    Ok(())
}

/// The median, and a sentence for each limit that is exceeded.
fn judge(lengths: &mut [Length]) -> (usize, Vec<String>) {
    lengths.sort();
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    let too_long = lengths.iter().filter(|(lines, _)| *lines > LONGEST);
    let mut defects: Vec<String> =
        too_long.map(|(lines, file)| format!("{file} has {lines} lines; the limit is {LONGEST}")).collect();
    if median > MEDIAN {
        defects.push(format!("the median file has {median} lines; the limit is {MEDIAN}"));
    }
    (median, defects)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, MEDIAN, judge};

    fn judged(lengths: &[usize]) -> Vec<String> {
        judge(&mut lengths.iter().map(|lines| (*lines, format!("{lines}.rs"))).collect::<Vec<_>>()).1
    }

    #[test]
    fn files_up_to_the_limits_pass() {
        assert!(judged(&[LONGEST, MEDIAN, 1]).is_empty());
    }

    #[test]
    fn a_long_file_is_named() {
        let found = judged(&[LONGEST + 1, 1, 2]);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{}.rs", LONGEST + 1)), "{found:?}");
    }

    #[test]
    fn a_long_median_is_named() {
        let found = judged(&[MEDIAN + 1, 1, MEDIAN + 1]);
        assert!(found.len() == 1 && found[0].contains("median"), "{found:?}");
    }
}
