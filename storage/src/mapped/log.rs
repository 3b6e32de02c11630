//! The log of commits since the checkpoint. It is appended to, and truncated only behind acknowledged records.

use super::flight::Flight;
use super::magic;
use super::manifest::Manifest;
use super::owned;
use super::record::{self, Parts, Record};
use super::segment::Segment;
use super::stream::Sink;
use crate::StorageError;
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile, numbered};
use crate::files::medium::Open;
use crate::state::layout::Layout;

/// The version of the log's format.
const VERSION: u32 = 1;
/// The bytes of the log's header. Records follow.
pub(crate) const HEADER: u64 = 64;

/// Zeros written ahead of the records: as many as the log is long, within these bounds. A sync of overwritten bytes is
/// faster than one of appended bytes, which also waits for the file's new length and blocks. Figures:
/// docs/experiments/018.
const LEAST_ZEROS: u64 = 64 << 10;
const MOST_ZEROS: u64 = 1 << 20;
/// Longer records get no zeros ahead. Figures: docs/experiments/018.
const ZEROS_FOR: u64 = 96 << 10;

/// A log open for appending.
pub(crate) struct Log {
    pub(crate) file: DirFile,
    /// The log's mark, which every record carries.
    pub(crate) mark: u64,
    /// The acknowledged bytes.
    pub(crate) end: u64,
    /// An upper bound of the file's length. From `end` on there are zeros, which the next records overwrite.
    pub(crate) ahead: u64,
    /// The bytes of rows in records since the checkpoint.
    pub(crate) inline: u64,
}

/// The error of an append.
pub(crate) enum Failed {
    /// The log has not changed.
    Undone(StorageError),
    /// It is unknown what is on the medium.
    Unknown(StorageError),
}

/// The mark of the log with this number.
pub(crate) fn mark(manifest: &Manifest, number: u64) -> u64 {
    manifest.database.rotate_left(32) ^ number
}

impl Log {
    /// Makes a new log and syncs it. Its name is durable once the directory is synced.
    pub(crate) fn create(dir: &Dir, manifest: &Manifest, number: u64) -> Result<Self, StorageError> {
        let file = owned::create(dir, &numbered("commits", number), manifest.database, &header(manifest, number))?;
        file.sync()?;
        Ok(Self { file, mark: mark(manifest, number), end: HEADER, ahead: HEADER, inline: 0 })
    }

    /// Appends a record. If it says so, it is synced together with the segments of its rows. Either may arrive first;
    /// opening checks both.
    pub(crate) fn append(
        &mut self,
        layout: Layout,
        record: Record,
        parts: &Parts<'_>,
        segments: &[Segment],
    ) -> Result<(), Failed> {
        let record = record::describe(parts, layout, Record { log: self.mark, ..record });
        let flight = Flight::begin(&self.file);
        if let Err(error) = self.write(record, parts) {
            // The whole record may be written, so the truncation must be synced too.
            if self.take_back(flight) && self.file.sync().is_ok() {
                return Err(Failed::Undone(error));
            }
            return Err(Failed::Unknown(error));
        }
        if record.sync
            && let Err(error) = self.sync_with(segments)
        {
            // So that the next open more likely finds only acknowledged records.
            self.take_back(flight);
            return Err(Failed::Unknown(error));
        }
        self.end += record.length;
        self.inline += parts.inline.map_or(0, |rows| rows.len() as u64);
        Ok(())
    }

    /// Truncates a refused record before a reader can see it. Returns whether that succeeded.
    fn take_back(&mut self, flight: Flight) -> bool {
        let done = self.trim().is_ok();
        if !done {
            flight.never_lands();
        }
        done
    }

    /// Writes the bytes from `from` on again. They may have been read from the page cache only, after a failed sync, and no
    /// later sync would write them.
    pub(crate) fn write_again(&self, from: u64) -> Result<(), StorageError> {
        const PIECE: u64 = 1 << 20;
        let mut bytes = Vec::new();
        let mut at = from;
        while at < self.end {
            bytes.resize((self.end - at).min(PIECE) as usize, 0);
            self.file.read_at(&mut bytes, at)?;
            self.file.write_at(&bytes, at)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Truncates the log after the last acknowledged byte.
    pub(crate) fn trim(&mut self) -> Result<(), StorageError> {
        if self.ahead > self.end {
            self.file.set_len(self.end)?;
            self.ahead = self.end;
        }
        Ok(())
    }

    fn sync_with(&self, segments: &[Segment]) -> Result<(), StorageError> {
        if segments.is_empty() {
            return self.file.sync();
        }
        let sync_rows = || segments.iter().try_for_each(|segment| segment.file()?.sync());
        std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, sync_rows) {
            Ok(rows) => {
                let log = self.file.sync();
                rows.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(log)
            }
            // No thread can be started.
            Err(_) => sync_rows().and_then(|()| self.file.sync()),
        })
    }

    /// Writes a record. A short one is one write; the header of a long one is written last. If a short synced record extends
    /// the file, the write includes zeros for the next ones.
    fn write(&mut self, record: Record, parts: &Parts<'_>) -> Result<(), StorageError> {
        const SHORT: u64 = 1 << 19;
        let end = self.end + record.length;
        let zeros = if record.sync && record.length <= ZEROS_FOR && end > self.ahead {
            self.end.clamp(LEAST_ZEROS, MOST_ZEROS)
        } else {
            0
        };
        // Before the write, because a failed write may extend the file too.
        self.ahead = self.ahead.max(end + zeros);
        if record.length <= SHORT {
            let mut bytes = vec![0; record::HEADER];
            bytes.reserve((record.length + zeros) as usize - record::HEADER);
            record::put_body(&mut bytes, &record, parts)?;
            let body_crc = crc32c::crc32c(&bytes[record::HEADER..]);
            bytes[..record::HEADER].copy_from_slice(&Record { body_crc, ..record }.encode());
            bytes.resize((record.length + zeros) as usize, 0);
            return match self.file.write_at(&bytes, self.end) {
                // If there is no space for the zeros, there may be space for the record.
                Err(error) if zeros > 0 && error.is_short_of_space() => {
                    bytes.truncate(record.length as usize);
                    self.trim()?;
                    self.ahead = self.ahead.max(end);
                    self.file.write_at(&bytes, self.end)
                }
                written => written,
            };
        }
        let mut sink = Sink::new(&self.file, self.end + record::HEADER as u64);
        record::put_body(&mut sink, &record, parts)?;
        let (_, body_crc) = sink.finish()?;
        self.file.write_at(&Record { body_crc, ..record }.encode(), self.end)
    }
}

/// Opens a log and checks that it is the one that the manifest names.
pub(crate) fn open(dir: &Dir, manifest: &Manifest, how: Open) -> Result<DirFile, StorageError> {
    let file = dir.open(&numbered("commits", manifest.log), how)?;
    let mut found = vec![0; HEADER as usize];
    file.read_at(&mut found, 0)?;
    let expected = header(manifest, manifest.log);
    if found != expected {
        let at = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
        let (summed, crc) = found.split_at(HEADER as usize - 4);
        let whole = Fields(crc).u32() == Some(crc32c::crc32c(summed));
        let what = if whole { "file is the log of another state" } else { "header is damaged" };
        return Err(file.corrupt(at as u64, what));
    }
    Ok(file)
}

/// Magic, version, reserved, database, number, reserved, checksum.
fn header(manifest: &Manifest, number: u64) -> Vec<u8> {
    let mut out = magic::LOG.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&manifest.database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.resize(HEADER as usize - 4, 0);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}
