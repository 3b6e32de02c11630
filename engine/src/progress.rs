//! How far a long call has come.

use std::sync::Arc;

/// What a long call is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Rows are being checked.
    Check,
    /// Rows are being written to the medium.
    Write,
    /// Rows are being linked into the graph.
    Link,
    /// The graph is being written to the medium.
    Checkpoint,
}

/// How far a long call has come: `done` of `total` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Rows done.
    pub done: usize,
    /// Rows to do.
    pub total: usize,
}

/// Whom to tell, if anybody.
#[derive(Clone, Default)]
pub(crate) struct Listener(pub(crate) Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Listener {
    pub(crate) fn tell(&self, phase: Phase, done: usize, total: usize) {
        if let Some(listen) = &self.0 {
            listen(Progress { phase, done, total });
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "nobody" })
    }
}
