//! Reads the whole state into memory when a database is opened.

use super::codec::{self, State, key, pair};
use super::families::{DEAD, META, SLOTS};
use super::pages;
use super::store::Store;
use crate::state::table::Table;
use crate::{Schema, StorageError};

/// Reads schema and state.
pub(super) fn meta(store: &Store) -> Result<(Schema, State), StorageError> {
    let value = |name: &str| {
        let nothing = || StorageError::NotADatabase { path: store.path().into(), what: "it has no schema or state" };
        store.get(META, name.as_bytes())?.ok_or_else(nothing)
    };
    let schema = codec::decode_schema(&value("schema")?, store.path())?;
    let state = State::decode(&value("state")?).ok_or_else(|| store.corrupt("cannot read the state"))?;
    Ok((schema, state))
}

/// Reads rows, ids and deletes of a state.
pub(super) fn table(store: &Store, schema: &Schema, state: &State) -> Result<Table, StorageError> {
    let mut table = Table::new(schema, state.epoch, state.commit)?;
    pages::read_into(store, &mut table, state)?;
    table.restore(state.commit, state.slots);

    let mut next = 0;
    for found in store.from(SLOTS, &key(state.epoch, 0)) {
        let (at, value) = found?;
        let Some(first) = codec::slot_of(&at, state.epoch).filter(|_| next < state.slots) else { break };
        // Others are of a batch that was not committed.
        if first == next {
            let most = (state.slots - next) as usize;
            let taken = codec::decode_ids(&value, schema.ids, most, |ids| {
                table.restore_ids(first, ids);
                next += ids.len() as u32;
            });
            taken.ok_or_else(|| store.corrupt("cannot read ids"))?;
        }
    }
    if next != state.slots {
        return Err(store.corrupt("ids are missing"));
    }

    let from = pair(state.epoch, 0);
    for found in store.from(DEAD, &from) {
        let (at, value) = found?;
        if !at.starts_with(&from[..8]) {
            break;
        }
        // Deletes are written with their state, so none is newer.
        if codec::commit_of(&at, state.epoch).is_none_or(|commit| commit > state.commit) {
            return Err(store.corrupt("deletes of a commit that does not exist"));
        }
        for slot in codec::decode_slots(&value).ok_or_else(|| store.corrupt("cannot read deleted slots"))? {
            if !table.restore_death(slot) {
                return Err(store.corrupt("a slot is deleted twice"));
            }
        }
    }
    Ok(table)
}
