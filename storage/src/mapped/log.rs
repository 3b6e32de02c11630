//! The log of commits since the checkpoint: appended to, and cut only behind what was acknowledged.

use super::flight::Flight;
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
pub(crate) const MAGIC: &[u8; 8] = b"OMENLOG\n";
/// Bytes of the log's header; records follow.
pub(crate) const HEADER: u64 = 64;

/// Zeros written ahead of the records: as many as the log is long, within these bounds.
///
/// A sync of bytes written over others waits for them alone; of bytes appended, for the file
/// system's note of the new length and blocks too. Appends of 14 KB and fdatasync, 2 x 600 of them, took
/// 138 to 181 us in the mean, with 1 MiB of zeros now and then 73 to 104 us, the zeros' time
/// included; of 52 KB 175 to 182 against 120 to 145.
const LEAST_ZEROS: u64 = 64 << 10;
const MOST_ZEROS: u64 = 1 << 20;
/// Longer records get no zeros ahead: of 155 KB an append took 270 to 289 us, with zeros 322 to 326.
/// (Over blocks that held bytes before it takes 154, of 615 KB 325 instead of 637: a log that took
/// the blocks of an old one would halve the wait. But there is no old one for the first 64 MiB.)
const ZEROS_FOR: u64 = 96 << 10;

/// A log open for appending.
pub(crate) struct Log {
    pub(crate) file: DirFile,
    /// Which log it is: every record carries it.
    pub(crate) mark: u64,
    /// Bytes that are acknowledged.
    pub(crate) end: u64,
    /// The file ends here or before: from `end` on lie zeros that the next records are written over.
    pub(crate) ahead: u64,
    /// Bytes of rows carried in records since the checkpoint.
    pub(crate) inline: u64,
}

/// Why an append failed.
pub(crate) enum Failed {
    /// The log is as it was.
    Undone(StorageError),
    /// Nobody knows what is on the medium.
    Unknown(StorageError),
}

/// What records of the log with this number carry.
pub(crate) fn mark(manifest: &Manifest, number: u64) -> u64 {
    manifest.database.rotate_left(32) ^ number
}

impl Log {
    /// A new log, synced; its name is durable once the directory is synced.
    pub(crate) fn create(dir: &Dir, manifest: &Manifest, number: u64) -> Result<Self, StorageError> {
        let file = owned::create(dir, &numbered("commits", number), manifest.database, &header(manifest, number))?;
        file.sync()?;
        Ok(Self { file, mark: mark(manifest, number), end: HEADER, ahead: HEADER, inline: 0 })
    }

    /// Appends a record, and if it says that it is synced, syncs it and at the same time the
    /// segments of its rows: whichever arrives first, opening looks whether both did.
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
            // What was written of it may be all of it: the cut has to reach the medium too.
            if self.take_back(flight) && self.file.sync().is_ok() {
                return Err(Failed::Undone(error));
            }
            return Err(Failed::Unknown(error));
        }
        if record.sync
            && let Err(error) = self.sync_with(segments)
        {
            // What the next open finds is then more likely what was acknowledged.
            self.take_back(flight);
            return Err(Failed::Unknown(error));
        }
        self.end += record.length;
        self.inline += parts.inline.map_or(0, |rows| rows.len() as u64);
        Ok(())
    }

    /// Cuts off a record that is refused, before a reader can see it; whether that could be done.
    fn take_back(&mut self, flight: Flight) -> bool {
        let done = self.trim().is_ok();
        if !done {
            flight.never_lands();
        }
        done
    }

    /// Writes what lies there from `from` on once more: it may have been read back only because the
    /// system still holds pages that a sync failed to write, and that no later one would.
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

    /// Takes away what lies behind the last acknowledged byte, if anything does.
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
            // The system has no thread for it.
            Err(_) => sync_rows().and_then(|()| self.file.sync()),
        })
    }

    /// A short record goes out in one write, its header with it; of a long one the header is
    /// written last. The write of a short one that leaves the file longer than it was takes zeros
    /// for the next ones along, if they are going to be synced one by one.
    fn write(&mut self, record: Record, parts: &Parts<'_>) -> Result<(), StorageError> {
        const SHORT: u64 = 1 << 19;
        let end = self.end + record.length;
        let zeros = if record.sync && record.length <= ZEROS_FOR && end > self.ahead {
            self.end.clamp(LEAST_ZEROS, MOST_ZEROS)
        } else {
            0
        };
        // Before the write: one that fails may have lengthened the file all the same.
        self.ahead = self.ahead.max(end + zeros);
        if record.length <= SHORT {
            let mut bytes = vec![0; record::HEADER];
            bytes.reserve((record.length + zeros) as usize - record::HEADER);
            record::put_body(&mut bytes, &record, parts)?;
            let body_crc = crc32c::crc32c(&bytes[record::HEADER..]);
            bytes[..record::HEADER].copy_from_slice(&Record { body_crc, ..record }.encode());
            bytes.resize((record.length + zeros) as usize, 0);
            return match self.file.write_at(&bytes, self.end) {
                // Where there is no place for the zeros there may be some for the record.
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

/// Opens a log and checks that it is the one the manifest means.
pub(crate) fn open(dir: &Dir, manifest: &Manifest, how: Open) -> Result<DirFile, StorageError> {
    let file = dir.open(&numbered("commits", manifest.log), how)?;
    let mut found = vec![0; HEADER as usize];
    file.read_at(&mut found, 0)?;
    let expected = header(manifest, manifest.log);
    if found != expected {
        let at = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
        let (summed, crc) = found.split_at(HEADER as usize - 4);
        let whole = Fields(crc).u32() == Some(crc32c::crc32c(summed));
        let what = if whole { "it is the log of another state" } else { "its header is not what was written" };
        return Err(file.corrupt(at as u64, what));
    }
    Ok(file)
}

/// Magic, version, reserved, database, number, reserved, checksum.
fn header(manifest: &Manifest, number: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&manifest.database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.resize(HEADER as usize - 4, 0);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}
