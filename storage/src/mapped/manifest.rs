//! The manifest: the list of the database's files. Two slots hold it, each with a checksum.
//!
//! A new manifest is written to the slot with the older one, synced, and then written to the other slot. A crash leaves one
//! slot whole. Later damage to one slot leaves the other with the same state.

use std::io::ErrorKind;

use super::magic;
use crate::blob::good_name;
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile, LOCK, MANIFESTS, NEW_MANIFEST, parse};
use crate::files::medium::Open;
use crate::state::layout::{Layout, MOST_COUNTED, ROCKS};
use crate::{IdKind, Schema, StorageError};

/// The version that this library writes, and the newest that it reads. In version 1 blobs have no header. Before version 3
/// ids have no checksums of rows.
pub(crate) const VERSION: u32 = 3;
const OLDEST: u32 = 1;
/// The bytes before the owner's options.
pub(crate) const FIXED: usize = 112;
/// The longest valid manifest file.
const LONGEST: u64 = 1 << 20;
const MOST_FILES: u32 = 1024;
/// Magic, version, length and checksum: every version of the format has them.
const SHORTEST: usize = 20;

/// The contents of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The format version.
    pub(crate) version: u32,
    /// Counts manifests: the slot with the greater one is newer.
    pub(crate) generation: u64,
    /// The database's random number, which all its files carry.
    pub(crate) database: u64,
    pub(crate) epoch: u64,
    /// The state of the ids file. The log continues from it.
    pub(crate) base_commit: u64,
    pub(crate) base_slots: u32,
    pub(crate) base_dead: u32,
    /// The commit that the blobs cover.
    pub(crate) covers: u64,
    /// The number of the log.
    pub(crate) log: u64,
    /// The sealed length of the log: if fewer bytes are whole, they are damaged.
    pub(crate) sealed: u64,
    /// The number of the first row segment. The others follow.
    pub(crate) first_segment: u64,
    pub(crate) schema: Schema,
    /// The ids of the base and the blobs.
    pub(crate) files: Vec<Entry>,
}

/// A file that was written whole before the manifest named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: String,
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
}

impl Entry {
    pub(crate) fn name(&self) -> String {
        crate::files::dir::numbered(&self.kind, self.number)
    }
}

impl Manifest {
    /// Whether its ids file and its log hold the checksums of rows.
    pub(crate) fn binds_rows(&self) -> bool {
        self.version >= 3
    }

    pub(crate) fn entry(&self, kind: &str) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.kind == kind)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let layout = Layout::new(&self.schema).expect("the schema of a database was checked");
        let mut out = Vec::with_capacity(FIXED + self.schema.user.len() + 64 * self.files.len());
        out.extend_from_slice(magic::MANIFEST);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&0u32.to_le_bytes());
        for field in [self.generation, self.database, self.epoch, self.base_commit] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.base_slots.to_le_bytes());
        out.extend_from_slice(&self.base_dead.to_le_bytes());
        for field in [self.covers, self.log, self.sealed, self.first_segment] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        let ids = match self.schema.ids {
            IdKind::U64 => 0u32,
            IdKind::Text => 1,
        };
        let user = self.schema.user.len() as u32;
        for field in [layout.row_bytes as u32, layout.stride as u32, layout.shift, ids, self.files.len() as u32, user] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        debug_assert_eq!(out.len(), FIXED);
        out.extend_from_slice(&self.schema.user);
        for entry in &self.files {
            out.push(entry.kind.len() as u8);
            out.extend_from_slice(entry.kind.as_bytes());
            out.extend_from_slice(&entry.number.to_le_bytes());
            out.extend_from_slice(&entry.bytes.to_le_bytes());
            out.extend_from_slice(&entry.crc.to_le_bytes());
        }
        let length = out.len() as u32 + 4;
        out[12..16].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes a slot's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let broken = |at: usize, what: &str| Refusal::Broken { at: at as u64, what: what.into() };
        if bytes.len() < SHORTEST {
            return Err(broken(bytes.len(), "manifest is truncated"));
        }
        let mut fields = Fields(bytes);
        let short = || broken(bytes.len(), "a field reaches past the end");
        if fields.bytes(8) != Some(magic::MANIFEST) {
            return Err(broken(0, "file is not a manifest"));
        }
        let version = fields.u32().ok_or_else(short)?;
        let length = fields.u32().ok_or_else(short)? as usize;
        if length != bytes.len() {
            return Err(broken(12, &format!("manifest has {} bytes; its header says {length}", bytes.len())));
        }
        let (summed, crc) = bytes.split_at(length - 4);
        if crc != crc32c::crc32c(summed).to_le_bytes() {
            return Err(broken(length - 4, "checksum mismatch"));
        }
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(Refusal::Version(version));
        }
        let mut fields = Fields(&summed[16..]);
        Self::decode_fields(&mut fields, version).ok_or_else(short)?.map_err(|what| broken(0, &what))
    }

    fn decode_fields(fields: &mut Fields<'_>, version: u32) -> Option<Result<Self, String>> {
        let [generation, database, epoch, base_commit] = [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
        let [base_slots, base_dead] = [fields.u32()?, fields.u32()?];
        let [covers, log, sealed, first_segment] = [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
        let (row_bytes, stride, shift) = (fields.u32()? as usize, fields.u32()? as usize, fields.u32()?);
        let ids = match fields.u32()? {
            0 => IdKind::U64,
            1 => IdKind::Text,
            other => return Some(Err(format!("unknown kind of ids {other}"))),
        };
        let (count, user) = (fields.u32()?, fields.u32()? as usize);
        let schema = Schema { row_bytes, ids, user: fields.bytes(user)?.to_vec() };
        match Layout::new(&schema) {
            Err(error) => return Some(Err(error.to_string())),
            Ok(layout) if (layout.stride, layout.shift) != (stride, shift) => {
                return Some(Err(format!("rows of {row_bytes} bytes have stride {stride} and shift {shift}")));
            }
            Ok(_) => {}
        }
        let counters = [generation, epoch, base_commit, covers, log, first_segment];
        if let Some(counter) = counters.into_iter().find(|counter| *counter > MOST_COUNTED) {
            return Some(Err(format!("a counter is {counter}; the maximum is {MOST_COUNTED}")));
        }
        if base_dead > base_slots || u64::from(base_slots) > crate::MAX_SLOTS {
            return Some(Err(format!("{base_dead} of {base_slots} slots are deleted")));
        }
        // A deleted slot is marked with the number of a commit; 0 means that it is not deleted.
        if base_commit == 0 && base_slots > 0 {
            return Some(Err(format!("there are {base_slots} slots before the first commit")));
        }
        if count > MOST_FILES {
            return Some(Err(format!("{count} files; the maximum is {MOST_FILES}")));
        }
        let mut files: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let length = fields.u8()? as usize;
            let kind = String::from_utf8_lossy(fields.bytes(length)?).into_owned();
            let entry = Entry { number: fields.u64()?, bytes: fields.u64()?, crc: fields.u32()?, kind };
            if entry.number > MOST_COUNTED
                || !good_name(&entry.kind)
                || files.iter().any(|other| other.kind == entry.kind)
            {
                return Some(Err(format!("invalid file {:?}", entry.kind)));
            }
            files.push(entry);
        }
        if !fields.0.is_empty() {
            return Some(Err(format!("{} bytes follow the last field", fields.0.len())));
        }
        let manifest = Self {
            version,
            generation,
            database,
            epoch,
            base_commit,
            base_slots,
            base_dead,
            covers,
            log,
            sealed,
            first_segment,
            schema,
            files,
        };
        if (manifest.entry("ids").is_some()) != (base_slots > 0) {
            return Some(Err(format!("{base_slots} slots, but the ids file is {:?}", manifest.entry("ids"))));
        }
        Some(Ok(manifest))
    }

    /// Whether a file of the directory belongs to this state, or is the lock or a manifest.
    pub(crate) fn owns(&self, name: &str, segments: u64) -> bool {
        if name == LOCK || MANIFESTS.contains(&name) {
            return true;
        }
        match parse(name) {
            Some(("rows", number)) => number.checked_sub(self.first_segment).is_some_and(|index| index < segments),
            Some(("commits", number)) => number == self.log,
            Some((kind, number)) => self.entry(kind).is_some_and(|entry| entry.number == number),
            None => false,
        }
    }
}

/// The error of a slot.
#[derive(Debug)]
pub(crate) enum Refusal {
    Broken { at: u64, what: String },
    Version(u32),
}

/// The contents of both slots.
pub(crate) struct Slots {
    pub(crate) newest: Manifest,
    /// The slot to write first: not the newest.
    pub(crate) first: usize,
    /// Whether both slots hold the newest manifest.
    pub(crate) agree: bool,
}

/// Reads one slot. Returns `None` if there is no file.
pub(crate) fn read_slot(dir: &Dir, slot: usize) -> Result<Option<Result<Manifest, StorageError>>, StorageError> {
    let file = match dir.open(MANIFESTS[slot], Open::Read) {
        Err(error) if error.is_io(ErrorKind::NotFound) => return Ok(None),
        file => file?,
    };
    let length = file.len()?;
    if length > LONGEST {
        return Ok(Some(Err(file.corrupt(LONGEST, format!("manifest has {length} bytes; the maximum is {LONGEST}")))));
    }
    let mut bytes = vec![0; length as usize];
    if let Err(error) = file.read_at(&mut bytes, 0) {
        return Ok(Some(Err(error)));
    }
    Ok(Some(Manifest::decode(&bytes).map_err(|refusal| match refusal {
        Refusal::Broken { at, what } => file.corrupt(at, what),
        Refusal::Version(found) => StorageError::Version { path: dir.path().into(), found, supported: VERSION },
    })))
}

/// Reads both slots. The newest whole one counts.
pub(crate) fn read(dir: &Dir) -> Result<Slots, StorageError> {
    match (read_slot(dir, 0)?, read_slot(dir, 1)?) {
        (None, None) => {
            // A folder that was replaced while it was opened may be empty.
            dir.check_place()?;
            let in_rocksdb = dir.list()?.iter().any(|name| name == ROCKS);
            let what = match in_rocksdb {
                true if cfg!(feature = "rocksdb") => "it has a RocksDB folder and no manifest",
                true => "it is in RocksDB, and this program is built without the feature `rocksdb`",
                false => "it has no manifest",
            };
            Err(StorageError::NotADatabase { path: dir.path().into(), what })
        }
        (Some(Ok(a)), Some(Ok(b))) => {
            let (agree, b_newer) = (a == b, b.generation > a.generation);
            Ok(if b_newer { Slots { newest: b, first: 0, agree } } else { Slots { newest: a, first: 1, agree } })
        }
        // A manifest of a newer version beside an old one: the database has the newer version.
        (Some(Err(error @ StorageError::Version { .. })), _) | (_, Some(Err(error @ StorageError::Version { .. }))) => {
            Err(error)
        }
        (Some(Ok(a)), _) => Ok(Slots { newest: a, first: 1, agree: false }),
        (_, Some(Ok(b))) => Ok(Slots { newest: b, first: 0, agree: false }),
        (Some(Err(error)), _) | (None, Some(Err(error))) => Err(error),
    }
}

/// Opens the files of both slots, the one to write first first. Nothing is written to them yet.
pub(crate) fn open_slots(dir: &Dir, first: usize) -> Result<[DirFile; 2], StorageError> {
    let open = |slot: usize| match dir.open(MANIFESTS[slot], Open::Write) {
        Err(error) if error.is_io(ErrorKind::NotFound) => {
            let file = dir.open(MANIFESTS[slot], Open::New)?;
            dir.sync()?;
            Ok(file)
        }
        opened => opened,
    };
    Ok([open(first)?, open(1 - first)?])
}

/// Writes a manifest to both slots, one after the other. The state changes when the first is synced.
pub(crate) fn flip(slots: &[DirFile; 2], manifest: &Manifest) -> Result<(), StorageError> {
    let bytes = manifest.encode();
    slots.iter().try_for_each(|file| write(file, &bytes))
}

/// Writes the manifest again to the slot from which it was read. After an unfinished flip it may be in the page cache only,
/// and the next flip overwrites the other slot.
pub(crate) fn settle(dir: &Dir, slots: &Slots) -> Result<(), StorageError> {
    write(&dir.open(MANIFESTS[1 - slots.first], Open::Write)?, &slots.newest.encode())
}

/// Writes the first manifest of a new database.
pub(crate) fn create(dir: &Dir, manifest: &Manifest) -> Result<(), StorageError> {
    let bytes = manifest.encode();
    for name in MANIFESTS {
        write(&dir.create(NEW_MANIFEST)?, &bytes)?;
        dir.rename(NEW_MANIFEST, name)?;
    }
    dir.sync()
}

fn write(file: &DirFile, bytes: &[u8]) -> Result<(), StorageError> {
    file.write_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)?;
    file.sync()
}
