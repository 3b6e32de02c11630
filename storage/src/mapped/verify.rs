//! Reading everything again and comparing it with its checksums.

use super::dir::MANIFESTS;
use super::segment::{Segment, row_checksum};
use super::stream::checksum;
use super::{Shared, blobfile, idsfile, manifest, scan};
use crate::{Problem, StorageError, View};

/// Rows read at once.
const PIECE: usize = 4096;

/// What is wrong with the slots of the manifest, while nobody writes them.
pub(super) fn manifests(shared: &Shared) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (slot, name) in MANIFESTS.iter().enumerate() {
        let file = shared.dir.path().join(name);
        match manifest::read_slot(&shared.dir, slot) {
            Ok(Some(Ok(_))) => {}
            Ok(None) => problems.push(Problem { file, offset: 0, what: "it is missing".into() }),
            Ok(Some(Err(error))) | Err(error) => problems.push(problem(file, &error)),
        }
    }
    problems
}

/// Everything else that is not what was written.
pub(super) fn files(shared: &Shared, view: &View, segments: &[Segment]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let files = shared.files.load();
    if let (Some(file), Some(entry)) = (&files.ids, files.manifest.entry("ids")) {
        let before = problems.len();
        let walked = idsfile::blocks(file, &files.manifest, |block| {
            if let idsfile::Block::Damaged { at, what } = block {
                problems.push(Problem { file: file.path().into(), offset: at, what });
            }
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
    if let Err(error) = scan::scan(&files.log, &files.manifest, shared.layout, false) {
        problems.push(problem(files.log.path().into(), &error));
    }
    rows(shared, view, segments, &mut problems);
    problems
}

fn rows(shared: &Shared, view: &View, segments: &[Segment], problems: &mut Vec<Problem>) {
    let layout = shared.layout;
    for (_, slot, n) in layout.runs(0, view.slots() as usize, PIECE) {
        let (index, at) = layout.place(slot);
        // A database that was cleared meanwhile has other segments; `view` keeps the old rows.
        let Some(segment) = segments.get(index) else {
            return;
        };
        let within = at / layout.stride;
        let checksums = match segment.checksums(within, n) {
            Ok(checksums) => checksums,
            Err(error) => {
                problems.push(problem(segment.path(), &error));
                continue;
            }
        };
        let damaged: Vec<u32> = (slot..)
            .zip(checksums)
            .filter(|(slot, sum)| row_checksum(view.row(*slot)) != *sum)
            .map(|(slot, _)| slot)
            .collect();
        // Rows beside one another were damaged together: one finding for all of them.
        for run in damaged.chunk_by(|a, b| a + 1 == *b) {
            let (first, last) = (run[0], run[run.len() - 1]);
            let what = match run.len() {
                1 => format!("the row of slot {first} (id {}) does not match its checksum", view.id(first)),
                n => format!(
                    "the {n} rows of slots {first} to {last} (ids {} to {}) do not match their checksums",
                    view.id(first),
                    view.id(last)
                ),
            };
            let offset = segment.row_at(within + (first - slot) as usize);
            problems.push(Problem { file: segment.path(), offset, what });
        }
    }
}

fn mismatch(file: std::path::PathBuf) -> Problem {
    Problem { file, offset: 0, what: "its checksum does not match".into() }
}

fn problem(file: std::path::PathBuf, error: &StorageError) -> Problem {
    match error {
        StorageError::Corrupt { file, offset, what } => {
            Problem { file: file.clone(), offset: *offset, what: what.clone() }
        }
        other => Problem { file, offset: 0, what: other.to_string() },
    }
}
