//! A database's folder: its handle, its files and the writer's lock.

pub(crate) mod dir;
pub(crate) mod folder;
pub(crate) mod id_codec;
pub(crate) mod lock;
pub mod medium;
