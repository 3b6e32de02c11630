//! A record of the log, for one commit: header, ids, rows or their checksums, deleted slots.

use crate::fields::Fields;
use crate::files::id_codec::{Put, put_ids};
use crate::state::layout::Layout;
use crate::{IdColumn, IdKind, MAX_SLOTS, MAX_TEXT_ID, StorageError};

pub(crate) const HEADER: usize = 64;
/// The offset of the log's mark in a header.
pub(crate) const MARK_AT: u64 = 56;
const MAGIC: u32 = u32::from_le_bytes(*b"RECD");
const SYNC: u32 = 1;
const INLINE: u32 = 2;
const CHECKSUMS: u32 = 4;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The bytes of the record, including header and padding.
    pub(crate) length: u64,
    pub(crate) commit: u64,
    pub(crate) first_slot: u32,
    pub(crate) rows: u32,
    pub(crate) dead: u32,
    /// Everything before this record was durable when the record was begun. The record and its rows were durable before it
    /// was acknowledged.
    pub(crate) sync: bool,
    /// The rows are in the record, without padding.
    pub(crate) inline: bool,
    /// The checksums of the rows are in the record, instead of the rows.
    pub(crate) checksums: bool,
    pub(crate) ids_bytes: u64,
    /// CRC-32C over the rows' checksums.
    pub(crate) rows_crc: u32,
    pub(crate) body_crc: u32,
    /// The mark of its log.
    pub(crate) log: u64,
}

impl Record {
    /// The length of a record, computed from its contents.
    fn total(&self, layout: Layout) -> u64 {
        let rows = (self.inline_bytes(layout) + self.checksum_bytes()) as u64;
        (HEADER as u64 + self.ids_bytes + rows + 4 * u64::from(self.dead)).next_multiple_of(8)
    }

    /// The bytes of the rows in the record.
    pub(crate) fn inline_bytes(&self, layout: Layout) -> usize {
        if self.inline { self.rows as usize * layout.row_bytes } else { 0 }
    }

    /// The bytes of the checksums in the record.
    fn checksum_bytes(&self) -> usize {
        if self.checksums { 4 * self.rows as usize } else { 0 }
    }

    /// Splits a body of the record's length into ids, rows (if carried), checksums (if carried) and deleted slots.
    pub(crate) fn split<'a>(&self, body: &'a [u8], layout: Layout) -> (Fields<'a>, &'a [u8], Vec<u32>, Vec<u32>) {
        let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (ids, rest) = body.split_at(self.ids_bytes as usize);
        let (rows, rest) = rest.split_at(self.inline_bytes(layout));
        let (checksums, rest) = rest.split_at(self.checksum_bytes());
        (Fields(ids), rows, words(checksums), words(&rest[..4 * self.dead as usize]))
    }

    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let flags = [(self.sync, SYNC), (self.inline, INLINE), (self.checksums, CHECKSUMS)];
        let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum();
        let mut out = [0; HEADER];
        out[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[8..16].copy_from_slice(&self.length.to_le_bytes());
        out[16..24].copy_from_slice(&self.commit.to_le_bytes());
        for (at, field) in [(24, self.first_slot), (28, self.rows), (32, self.dead), (36, flags)] {
            out[at..at + 4].copy_from_slice(&field.to_le_bytes());
        }
        out[40..48].copy_from_slice(&self.ids_bytes.to_le_bytes());
        out[48..52].copy_from_slice(&self.rows_crc.to_le_bytes());
        out[52..56].copy_from_slice(&self.body_crc.to_le_bytes());
        out[56..64].copy_from_slice(&self.log.to_le_bytes());
        let crc = crc32c::crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes a header of this log. Returns `None` if it is invalid or its sizes are inconsistent.
    pub(crate) fn decode(bytes: &[u8; HEADER], log: u64, layout: Layout, kind: IdKind) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32()? != MAGIC || fields.u32()? != crc32c::crc32c(&bytes[8..]) {
            return None;
        }
        let (length, commit) = (fields.u64()?, fields.u64()?);
        let (first_slot, rows, dead, flags) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let [sync, inline, checksums] = [SYNC, INLINE, CHECKSUMS].map(|flag| flags & flag != 0);
        let (ids_bytes, rows_crc, body_crc) = (fields.u64()?, fields.u32()?, fields.u32()?);
        let record = Self {
            length,
            commit,
            first_slot,
            rows,
            dead,
            sync,
            inline,
            checksums,
            ids_bytes,
            rows_crc,
            body_crc,
            log: fields.u64()?,
        };
        let n = u64::from(rows);
        let possible = match kind {
            IdKind::U64 => ids_bytes == 8 * n,
            IdKind::Text => (2 * n..=(2 + MAX_TEXT_ID as u64) * n).contains(&ids_bytes),
        };
        let good = possible
            && flags & !(SYNC | INLINE | CHECKSUMS) == 0
            && !(inline && checksums)
            && record.log == log
            && u64::from(first_slot) + n <= MAX_SLOTS
            && length == record.total(layout);
        good.then_some(record)
    }
}

/// The contents of a record.
pub(crate) struct Parts<'a> {
    pub(crate) ids: IdColumn<'a>,
    pub(crate) dead: &'a [u32],
    /// Packed rows, if the record carries them.
    pub(crate) inline: Option<&'a [u8]>,
    /// The rows' checksums, if the record carries them.
    pub(crate) checksums: Option<&'a [u32]>,
}

/// Makes a record's header from its parts, except for its checksums.
pub(crate) fn describe(parts: &Parts<'_>, layout: Layout, record: Record) -> Record {
    let ids_bytes = match parts.ids {
        IdColumn::U64(ids) => 8 * ids.len() as u64,
        IdColumn::Text(ids) => ids.iter().map(|id| 2 + id.len() as u64).sum(),
    };
    let rows = parts.ids.len() as u32;
    let dead = parts.dead.len() as u32;
    let (inline, checksums) = (parts.inline.is_some(), parts.checksums.is_some());
    let mut record = Record { ids_bytes, rows, dead, inline, checksums, ..record };
    record.length = record.total(layout);
    record
}

/// Writes the body of a record.
pub(crate) fn put_body(out: &mut dyn Put, record: &Record, parts: &Parts<'_>) -> Result<(), StorageError> {
    put_ids(out, parts.ids)?;
    out.put(parts.inline.unwrap_or_default())?;
    put_checksums(out, parts.checksums.unwrap_or_default())?;
    for slot in parts.dead {
        out.put(&slot.to_le_bytes())?;
    }
    let rows = parts.inline.map_or(0, <[u8]>::len) + record.checksum_bytes();
    let body = record.ids_bytes + rows as u64 + 4 * u64::from(record.dead);
    out.put(&[0; 8][..(body.next_multiple_of(8) - body) as usize])
}

/// Writes checksums of rows.
pub(crate) fn put_checksums(out: &mut dyn Put, checksums: &[u32]) -> Result<(), StorageError> {
    checksums.iter().try_for_each(|sum| out.put(&sum.to_le_bytes()))
}
