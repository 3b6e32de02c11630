//! Ids as bytes: numbers of 8 bytes; strings, each after its length.

use crate::fields::Fields;
use crate::{IdColumn, IdKind, MAX_TEXT_ID, StorageError};

/// A sink of bytes.
pub(crate) trait Put {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes ids: numbers as 8 bytes; strings, each after its length in two bytes.
pub(crate) fn put_ids(out: &mut dyn Put, ids: IdColumn<'_>) -> Result<(), StorageError> {
    match ids {
        IdColumn::U64(ids) => ids.iter().try_for_each(|id| out.put(&id.to_le_bytes())),
        IdColumn::Text(ids) => ids.iter().try_for_each(|id| {
            out.put(&(id.len() as u16).to_le_bytes())?;
            out.put(id.as_bytes())
        }),
    }
}

/// Reads `n` ids that `put_ids` wrote and passes them to `take`.
pub(crate) fn take_ids(fields: &mut Fields<'_>, kind: IdKind, n: usize, take: impl FnOnce(IdColumn<'_>)) -> Option<()> {
    match kind {
        IdKind::U64 => {
            let bytes = fields.bytes(n.checked_mul(8)?)?;
            let ids: Vec<u64> = bytes.as_chunks().0.iter().map(|id| u64::from_le_bytes(*id)).collect();
            take(IdColumn::U64(&ids));
        }
        IdKind::Text => {
            let mut ids = Vec::with_capacity(n.min(fields.0.len() / 2));
            for _ in 0..n {
                let length = fields.u16()? as usize;
                if length > MAX_TEXT_ID {
                    return None;
                }
                ids.push(std::str::from_utf8(fields.bytes(length)?).ok()?);
            }
            take(IdColumn::Text(&ids));
        }
    }
    Some(())
}
