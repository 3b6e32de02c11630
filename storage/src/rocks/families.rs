//! The column families.

pub(super) const META: &str = "meta";
pub(super) const ROWS: &str = "rows";
pub(super) const SLOTS: &str = "slots";
pub(super) const DEAD: &str = "dead";
pub(super) const BLOBS: &str = "blobs";
pub(super) const FAMILIES: [&str; 5] = [META, ROWS, SLOTS, DEAD, BLOBS];
