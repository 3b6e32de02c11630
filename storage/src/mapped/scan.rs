//! Reading a log: which records are whole, and whether what follows them is a torn tail or damage.
//!
//! A record that is not whole ends the log if it can have been in flight when the machine or the
//! process stopped. It cannot if it lies before the sealed length, or if a whole record behind it
//! says that everything before it had been synced: then bytes were damaged that were
//! acknowledged, and nothing is cut.

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::dir::{DirFile, checksum};
use super::log::{self, HEADER};
use super::manifest::Manifest;
use super::record::{self, Record};
use crate::StorageError;
use crate::layout::Layout;

/// The whole records of a log.
pub(crate) struct Scan {
    /// Each with where it begins.
    pub(crate) records: Vec<(u64, Record)>,
    /// Records before this index were on the medium before a later one was begun.
    pub(crate) synced: usize,
    /// Where the file ended.
    pub(crate) length: u64,
}

/// Damage behind the first broken record is searched for this often: more candidates than that
/// are no accident.
const MOST_CANDIDATES: usize = 64;

/// Finds the whole records.
pub(crate) fn scan(file: &DirFile, manifest: &Manifest, layout: Layout) -> Result<Scan, StorageError> {
    let reader = Reader::new(file, manifest, layout)?;
    let length = reader.length;
    let (mut commit, mut slots) = (manifest.base_commit, u64::from(manifest.base_slots));
    let (mut records, mut end, mut synced) = (Vec::new(), HEADER.min(length), 0);
    let mut again = false;
    let behind = loop {
        let follows = |record: &Record| {
            record.commit == commit + 1 && u64::from(record.first_slot) == slots && u64::from(record.dead) <= slots
        };
        let Some(record) = reader.whole(end)?.filter(follows) else {
            if again || end >= length || !reader.synced_record_behind(end)? {
                break again;
            }
            // A writer may have been at work on it, and on the next before that was looked for.
            again = true;
            continue;
        };
        again = false;
        (commit, slots) = (record.commit, slots + u64::from(record.rows));
        records.push((end, record));
        end += record.length;
        if record.sync {
            synced = records.len() - 1;
        }
        if end <= manifest.sealed {
            synced = records.len();
        }
    };
    if end < manifest.sealed {
        return Err(file.corrupt(end, format!("a commit is damaged; the log was whole to byte {}", manifest.sealed)));
    }
    if behind {
        return Err(file.corrupt(end, "a commit is damaged, and whole ones follow it"));
    }
    Ok(Scan { records, synced, length })
}

/// Looks for records in a log as long as it was at first.
pub(crate) struct Reader<'a> {
    file: &'a DirFile,
    length: u64,
    mark: u64,
    layout: Layout,
    manifest: &'a Manifest,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a DirFile, manifest: &'a Manifest, layout: Layout) -> Result<Self, StorageError> {
        Ok(Self { file, length: file.len()?, mark: log::mark(manifest, manifest.log), layout, manifest })
    }

    /// The record at `at`, if it is whole.
    fn whole(&self, at: u64) -> Result<Option<Record>, StorageError> {
        if self.length.saturating_sub(at) < record::HEADER as u64 {
            return Ok(None);
        }
        let mut header = [0; record::HEADER];
        self.file.read_at(&mut header, at)?;
        let Some(record) = Record::decode(&header, self.mark, self.layout, self.manifest.schema.ids) else {
            return Ok(None);
        };
        if record.length > self.length - at {
            return Ok(None);
        }
        let crc = checksum(self.file, at + record::HEADER as u64, at + record.length)?;
        Ok((crc == record.body_crc).then_some(record))
    }

    /// The next byte from `at` on that is not in a hole, rounded down to where a record may begin:
    /// a file lengthened by a terabyte of nothing is not read.
    fn data_from(&self, at: u64) -> Option<u64> {
        match seek(self.file.raw().file(), SeekFrom::Data(at)) {
            Ok(data) => Some(at.max(data / 8 * 8)),
            Err(Errno::NXIO) => None,
            Err(_) => Some(at),
        }
    }

    /// Whether a whole record that was synced lies somewhere behind a broken one. So many
    /// candidates that none is an accident count as one.
    fn synced_record_behind(&self, broken: u64) -> Result<bool, StorageError> {
        let mut at = broken + 8;
        loop {
            match self.search(at)? {
                Search::Whole(_, record) if record.sync => return Ok(true),
                Search::Whole(found, record) => at = found + record.length,
                Search::TooMany => return Ok(true),
                Search::Nothing => return Ok(false),
            }
        }
    }

    /// The first whole record from `at` on.
    pub(crate) fn next_whole(&self, at: u64) -> Result<Option<(u64, Record)>, StorageError> {
        match self.search(at)? {
            Search::Whole(at, record) => Ok(Some((at, record))),
            Search::Nothing | Search::TooMany => Ok(None),
        }
    }

    fn search(&self, mut at: u64) -> Result<Search, StorageError> {
        const PIECE: u64 = 1 << 20;
        let mut candidates = 0;
        let mut piece = Vec::new();
        while let Some(data) = self.data_from(at).filter(|data| data + record::HEADER as u64 <= self.length) {
            at = data;
            piece.resize(PIECE.min(self.length - at) as usize, 0);
            self.file.read_at(&mut piece, at)?;
            for (i, found) in piece.chunks_exact(8).enumerate() {
                if found[..4] != record::MAGIC.to_le_bytes() {
                    continue;
                }
                let found = at + 8 * i as u64;
                if let Some(record) = self.whole(found)?.filter(|record| record.commit > self.manifest.base_commit) {
                    return Ok(Search::Whole(found, record));
                }
                candidates += 1;
                if candidates > MOST_CANDIDATES {
                    return Ok(Search::TooMany);
                }
            }
            if piece.len() < PIECE as usize {
                break;
            }
            at += PIECE;
        }
        Ok(Search::Nothing)
    }
}

enum Search {
    Whole(u64, Record),
    Nothing,
    TooMany,
}
