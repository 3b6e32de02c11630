//! Verify: reads all files and compares them with their checksums.

use super::record::{self, Record};
use super::segment::{Segment, row_checksum};
use super::stream::checksum;
use super::{Files, Shared, blobfile, idsfile, manifest, scan};
use crate::files::dir::{DirFile, MANIFESTS};
use crate::state::layout::Layout;
use crate::{Problem, StorageError, View};

/// Rows read at once.
const PIECE: usize = 4096;

/// The problems of the manifest's slots. No writer may write them meanwhile.
pub(super) fn manifests(shared: &Shared) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (slot, name) in MANIFESTS.iter().enumerate() {
        let file = shared.dir.path().join(name);
        match manifest::read_slot(&shared.dir, slot) {
            Ok(Some(Ok(_))) => {}
            Ok(None) => problems.push(Problem { file, offset: 0, what: "file is missing".into() }),
            Ok(Some(Err(error))) | Err(error) => problems.push(problem(file, &error)),
        }
    }
    problems
}

/// The problems of all other files.
pub(super) fn files(shared: &Shared, files: &Files, view: &View, segments: &[Segment]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rows = Rows { layout: shared.layout, view, segments };
    if let (Some(file), Some(entry)) = (&files.ids, files.manifest.entry("ids")) {
        let before = problems.len();
        let mut foreign = Vec::new();
        let walked = idsfile::blocks(file, &files.manifest, |block| match block {
            idsfile::Block::Damaged { at, what } => {
                problems.push(Problem { file: file.path().into(), offset: at, what });
            }
            idsfile::Block::Ids { first, checksums, .. } => rows.compare(first, checksums, &mut foreign),
            idsfile::Block::Dead { .. } => {}
        });
        if let Err(error) = walked {
            problems.push(problem(file.path().into(), &error));
        }
        match file.len().and_then(|length| checksum(file, 0, length)) {
            Ok(crc) if crc == entry.crc => {}
            Ok(_) if problems.len() > before => {}
            Ok(_) => problems.push(mismatch(file.path().into())),
            Err(error) => problems.push(problem(file.path().into(), &error)),
        }
        problems.extend(foreign);
    }
    for (entry, file) in &files.blobs {
        let checked = match file {
            Some(file) => blobfile::check(file, &files.manifest, entry),
            None => Err(blobfile::missing(&shared.dir, &files.manifest, entry)),
        };
        if let Err(error) = checked {
            problems.push(problem(shared.dir.path().join(entry.name()), &error));
        }
    }
    match scan::scan(&files.log, &files.manifest, shared.layout, false) {
        Ok(found) => {
            for (at, record) in found.records {
                if let Err(error) = rows.compare_record(&files.log, at, &record, &mut problems) {
                    problems.push(problem(files.log.path().into(), &error));
                }
            }
        }
        Err(error) => problems.push(problem(files.log.path().into(), &error)),
    }
    rows.check(&mut problems);
    problems
}

/// The rows of a state, in its segments.
struct Rows<'a> {
    layout: Layout,
    view: &'a View,
    segments: &'a [Segment],
}

impl Rows<'_> {
    /// Compares each row with its checksum.
    fn check(&self, problems: &mut Vec<Problem>) {
        let own = ("does not match its checksum", "do not match their checksums");
        self.each(0, self.view.slots() as usize, problems, |slot, sum| {
            (row_checksum(self.view.row(slot)) != sum).then_some(own)
        });
    }

    /// Compares the checksums of the rows from `first` on with those that are stored with their ids.
    fn compare(&self, first: u32, expected: &[u32], problems: &mut Vec<Problem>) {
        let other = ("belongs to another commit than its id", "belong to another commit than their ids");
        self.each(first, expected.len(), problems, |slot, sum| {
            let is_whole = || row_checksum(self.view.row(slot)) == sum;
            (sum != expected[(slot - first) as usize] && is_whole()).then_some(other)
        });
    }

    /// [`Rows::compare`] for a commit in the log.
    fn compare_record(
        &self,
        log: &DirFile,
        at: u64,
        record: &Record,
        problems: &mut Vec<Problem>,
    ) -> Result<(), StorageError> {
        if record.checksums {
            let mut body = vec![0; (record.length - record::HEADER as u64) as usize];
            log.read_at(&mut body, at + record::HEADER as u64)?;
            let (_, _, checksums, _) = record.split(&body, self.layout);
            self.compare(record.first_slot, &checksums, problems);
        }
        Ok(())
    }

    /// Calls `wrong` with `rows` slots from `first` on and the checksums in their segments. It returns the problem of one
    /// row, and of several.
    fn each(
        &self,
        first: u32,
        rows: usize,
        problems: &mut Vec<Problem>,
        wrong: impl Fn(u32, u32) -> Option<(&'static str, &'static str)>,
    ) {
        let (layout, view) = (self.layout, self.view);
        let rows = rows.min(view.slots().saturating_sub(first) as usize);
        for (_, slot, n) in layout.runs(first, rows, PIECE) {
            let (index, at) = layout.place(slot);
            let Some(segment) = self.segments.get(index) else { return };
            let within = at / layout.stride;
            let checksums = match segment.checksums(within, n) {
                Ok(checksums) => checksums,
                Err(error) => {
                    problems.push(problem(segment.path(), &error));
                    continue;
                }
            };
            let found = (slot..).zip(checksums).filter_map(|(slot, sum)| Some((slot, wrong(slot, sum)?)));
            let found: Vec<_> = found.collect();
            // Adjacent damaged rows are one problem.
            for run in found.chunk_by(|a, b| a.0 + 1 == b.0) {
                let ((first, (one, several)), (last, _)) = (run[0], run[run.len() - 1]);
                let what = match run.len() {
                    1 => format!("the row of slot {first} (id {}) {one}", view.id(first)),
                    n => format!(
                        "the {n} rows of slots {first} to {last} (ids {} to {}) {several}",
                        view.id(first),
                        view.id(last)
                    ),
                };
                let offset = segment.row_at(within + (first - slot) as usize);
                problems.push(Problem { file: segment.path(), offset, what });
            }
        }
    }
}

fn mismatch(file: std::path::PathBuf) -> Problem {
    Problem { file, offset: 0, what: "checksum mismatch".into() }
}

fn problem(file: std::path::PathBuf, error: &StorageError) -> Problem {
    match error {
        StorageError::Corrupt { file, offset, what } => {
            Problem { file: file.clone(), offset: *offset, what: what.clone() }
        }
        other => Problem { file, offset: 0, what: other.to_string() },
    }
}
