//! Keys and values. Keys are big-endian, so that they sort; values are little-endian.

use std::path::Path;

use crate::fields::Fields;
use crate::files::id_codec::{put_ids, take_ids};
use crate::state::layout::{Layout, MOST_COUNTED};
use crate::{IdColumn, IdKind, Schema, StorageError};

const VERSION: u32 = 1;

/// The state of the database, written with every commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) epoch: u64,
    pub(super) commit: u64,
    pub(super) slots: u32,
    pub(super) covers: u64,
    pub(super) next_blob: u64,
    pub(super) blobs: Vec<BlobEntry>,
}

/// A blob that the state names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlobEntry {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

impl State {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in [self.epoch, self.commit, u64::from(self.slots), self.covers, self.next_blob] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for entry in &self.blobs {
            out.push(entry.name.len() as u8);
            out.extend_from_slice(entry.name.as_bytes());
            out.extend_from_slice(&entry.number.to_le_bytes());
            out.extend_from_slice(&entry.bytes.to_le_bytes());
            out.extend_from_slice(&entry.crc.to_le_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (epoch, commit, slots) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let slots = u32::try_from(slots).ok().filter(|slots| u64::from(*slots) <= crate::MAX_SLOTS)?;
        let (covers, next_blob) = (fields.u64()?, fields.u64()?);
        // Slots come with commits.
        if [epoch, commit, covers, next_blob].into_iter().any(|counter| counter > MOST_COUNTED)
            || (commit == 0 && slots > 0)
        {
            return None;
        }
        let mut state = Self { epoch, commit, slots, covers, next_blob, blobs: Vec::new() };
        while !fields.0.is_empty() {
            let length = fields.u8()? as usize;
            let name = String::from_utf8(fields.bytes(length)?.to_vec()).ok()?;
            let (number, bytes, crc) = (fields.u64()?, fields.u64()?, fields.u32()?);
            if number >= next_blob {
                return None;
            }
            state.blobs.push(BlobEntry { name, number, bytes, crc });
        }
        Some(state)
    }
}

/// An epoch (or a blob's number) and a page or slot in it.
pub(super) fn key(major: u64, minor: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&major.to_be_bytes());
    key[8..].copy_from_slice(&minor.to_be_bytes());
    key
}

/// An epoch and a commit.
pub(super) fn pair(epoch: u64, commit: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&epoch.to_be_bytes());
    key[8..].copy_from_slice(&commit.to_be_bytes());
    key
}

/// The page or slot in a key of this epoch.
pub(super) fn slot_of(key: &[u8], epoch: u64) -> Option<u32> {
    let rest = key.strip_prefix(&epoch.to_be_bytes())?;
    Some(u32::from_be_bytes(rest.try_into().ok()?))
}

/// The commit in a key of this epoch.
pub(super) fn commit_of(key: &[u8], epoch: u64) -> Option<u64> {
    let rest = key.strip_prefix(&epoch.to_be_bytes())?;
    Some(u64::from_be_bytes(rest.try_into().ok()?))
}

pub(super) fn encode_schema(schema: &Schema) -> Vec<u8> {
    let mut out = VERSION.to_le_bytes().to_vec();
    out.extend_from_slice(&(schema.row_bytes as u64).to_le_bytes());
    out.push(u8::from(schema.ids == IdKind::Text));
    out.extend_from_slice(&schema.user);
    out
}

pub(super) fn decode_schema(bytes: &[u8], path: &Path) -> Result<Schema, StorageError> {
    let mut fields = Fields(bytes);
    let broken = || super::store::corrupt(path, "cannot read the schema");
    let found = fields.u32().ok_or_else(broken)?;
    if found != VERSION {
        return Err(StorageError::Version { path: path.into(), found, supported: VERSION });
    }
    let row_bytes = fields.u64().and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(broken)?;
    let ids = match fields.u8().ok_or_else(broken)? {
        0 => IdKind::U64,
        1 => IdKind::Text,
        _ => return Err(broken()),
    };
    let schema = Schema { row_bytes, ids, user: fields.0.to_vec() };
    Layout::new(&schema).map_err(|error| super::store::corrupt(path, error.to_string()))?;
    Ok(schema)
}

/// The number of ids, then the ids as in a record of the mapped backend's log.
pub(super) fn encode_ids(ids: IdColumn<'_>) -> Vec<u8> {
    let mut out = (ids.len() as u32).to_le_bytes().to_vec();
    put_ids(&mut out, ids).expect("memory takes all bytes");
    out
}

pub(super) fn decode_ids(bytes: &[u8], kind: IdKind, most: usize, take: impl FnOnce(IdColumn<'_>)) -> Option<()> {
    let mut fields = Fields(bytes);
    let n = fields.u32()? as usize;
    if n == 0 || n > most {
        return None;
    }
    take_ids(&mut fields, kind, n, take)?;
    fields.0.is_empty().then_some(())
}

pub(super) fn encode_slots(slots: &[u32]) -> Vec<u8> {
    slots.iter().flat_map(|slot| slot.to_le_bytes()).collect()
}

pub(super) fn decode_slots(bytes: &[u8]) -> Option<Vec<u32>> {
    let (slots, rest) = bytes.as_chunks();
    rest.is_empty().then(|| slots.iter().map(|slot| u32::from_le_bytes(*slot)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// An encoding with some bytes replaced, cut or lengthened, or bytes that are nothing at all.
    fn damaged(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
        let length = whole.len();
        let replaced = vec((0..length, any::<u8>()), 0..4);
        let mutated = (replaced, 0..=length, vec(any::<u8>(), 0..9)).prop_map(move |(replaced, kept, more)| {
            let mut bytes = whole.clone();
            replaced.into_iter().for_each(|(at, byte)| bytes[at] = byte);
            bytes.truncate(kept);
            bytes.extend(more);
            bytes
        });
        prop_oneof![4 => mutated, 1 => vec(any::<u8>(), 0..80)]
    }

    fn state() -> State {
        let blob = |name: &str, number| BlobEntry { name: name.into(), number, bytes: 77, crc: 5 };
        State { epoch: 3, commit: 9, slots: 12, covers: 8, next_blob: 4, blobs: vec![blob("graph", 2), blob("", 3)] }
    }

    fn user() -> Schema {
        Schema { row_bytes: 24, ids: IdKind::Text, user: b"options".to_vec() }
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(State::decode(&state().encode()), Some(state()));
        let schema = decode_schema(&encode_schema(&user()), Path::new("db")).unwrap();
        assert_eq!((schema.row_bytes, schema.ids, schema.user), (24, IdKind::Text, b"options".to_vec()));
        assert_eq!(decode_slots(&encode_slots(&[7, 0, u32::MAX])), Some(vec![7, 0, u32::MAX]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Whatever is decoded says all that the bytes said: encoded again, it is those bytes.
        #[test]
        fn damaged_values_are_refused_or_mean_what_they_say(
            state in damaged(state().encode()),
            schema in damaged(encode_schema(&user())),
            slots in damaged(encode_slots(&[1, 2, 3])),
            numbers in damaged(encode_ids(IdColumn::U64(&[5, 6, 7]))),
            texts in damaged(encode_ids(IdColumn::Text(&["a", "", "long enough"]))),
        ) {
            if let Some(decoded) = State::decode(&state) {
                prop_assert_eq!(decoded.encode(), state);
            }
            if let Ok(decoded) = decode_schema(&schema, Path::new("db")) {
                prop_assert_eq!(encode_schema(&decoded), schema);
            }
            if let Some(decoded) = decode_slots(&slots) {
                prop_assert_eq!(encode_slots(&decoded), slots);
            }
            for (kind, bytes) in [(IdKind::U64, numbers), (IdKind::Text, texts)] {
                let mut again = None;
                if decode_ids(&bytes, kind, 3, |ids| again = Some(encode_ids(ids))).is_some() {
                    prop_assert_eq!(again, Some(bytes));
                }
            }
        }
    }
}
