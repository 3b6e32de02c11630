//! A database's folder: reached through its handle, locked by one writer.

pub(crate) mod dir;
pub(crate) mod folder;
pub(crate) mod id_codec;
pub(crate) mod lock;
pub mod medium;
