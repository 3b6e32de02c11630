//! The first bytes of each kind of file.

pub(crate) const MANIFEST: &[u8; 8] = b"OMENDB\r\n";
pub(crate) const SEGMENT: &[u8; 8] = b"OMENROWS";
pub(crate) const LOG: &[u8; 8] = b"OMENLOG\n";
pub(crate) const IDS: &[u8; 8] = b"OMENIDS\n";
pub(crate) const BLOB: &[u8; 8] = b"OMENBLOB";
