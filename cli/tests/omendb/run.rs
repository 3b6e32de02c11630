//! Runs the binary in a folder of its own, and makes files for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use omendb_formats::{NumberKind, RowId, VectorWriter};
use serde_json::Value;

/// A folder that is gone after the test; commands run in it.
pub(crate) struct Folder(tempfile::TempDir);

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omendb"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null()).env_remove("OMENDB_ISA");
        command
    }

    /// Runs the words of `line`.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_args(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn run_args(&self, args: &[&str]) -> Ran {
        Self::checked(args, self.command(args).output().unwrap())
    }

    /// Runs the words of `line` with `input` on stdin.
    pub(crate) fn piped(&self, line: &str, input: &str) -> Ran {
        self.write("stdin", input);
        let args: Vec<&str> = line.split_whitespace().collect();
        let stdin = std::fs::File::open(self.path("stdin")).unwrap();
        Self::checked(&args, self.command(&args).stdin(stdin).output().unwrap())
    }

    fn checked(args: &[&str], output: Output) -> Ran {
        let ran = Ran {
            // A signal is no exit code.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!((0..=3).contains(&ran.code), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{args:?}: {ran:?}");
        // stderr is no terminal: it has an error's line, the summary of a search whose hits are on stdout, or nothing.
        let is_summary = ran.stderr.contains("queries/s") && !ran.stdout.is_empty();
        assert_eq!(ran.stderr.is_empty() || is_summary, ran.code < 2, "{args:?}: {ran:?}");
        ran
    }

    /// Runs with `--json` what must succeed.
    pub(crate) fn json(&self, line: &str) -> Value {
        let ran = self.run(&format!("{line} --json"));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert_eq!(ran.stdout.lines().count(), 1, "{line}: {ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Runs what must be refused with this exit code, and returns the message.
    pub(crate) fn refused(&self, line: &str, code: i32) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{line}: {ran:?}");
        ran.stderr
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn write_rows(&self, name: &str, rows: &[Vec<f32>], kind: NumberKind) {
        self.write_rows_with_ids(name, rows, kind, |row| row as u64);
    }

    pub(crate) fn write_rows_with_ids(
        &self,
        name: &str,
        rows: &[Vec<f32>],
        kind: NumberKind,
        id: impl Fn(usize) -> u64,
    ) {
        let mut out = VectorWriter::create(self.path(name), rows[0].len(), kind).unwrap();
        for (i, row) in rows.iter().enumerate() {
            out.push(Some(RowId::U64(id(i))), row.as_slice()).unwrap();
        }
        out.finish().unwrap();
    }

    /// Names of what is in the folder, hidden things too.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(self.0.path())
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whole numbers from 0 to 255, the same for the same seed.
pub(crate) fn rows(count: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    // splitmix64 (Steele, Lea and Flood, 2014).
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count).map(|_| (0..dim).map(|_| (next() % 256) as f32).collect()).collect()
}

/// The `k` nearest rows by squared Euclidean distance in f64, ties by the lower row.
pub(crate) fn nearest(base: &[Vec<f32>], query: &[f32], k: usize) -> Vec<u64> {
    let squared =
        |row: &[f32]| -> f64 { row.iter().zip(query).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum() };
    let mut order: Vec<(f64, u64)> = base.iter().zip(0..).map(|(row, number)| (squared(row), number)).collect();
    order.sort_by(|a, b| a.partial_cmp(b).unwrap());
    order.into_iter().take(k).map(|(_, number)| number).collect()
}
