//! Progress of long calls, and the listener that is told.

use std::cell::RefCell;
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
#[non_exhaustive]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Rows done.
    pub done: usize,
    /// Rows to do.
    pub total: usize,
}

type Listen = Arc<dyn Fn(Progress) + Send + Sync>;

/// Whom to tell, if anybody.
#[derive(Clone, Default)]
pub(crate) struct Listener(pub(crate) Option<Listen>);

thread_local! {
    /// The listeners that this thread is calling, by address: one may call another database, with another.
    static CALLED: RefCell<Vec<*const ()>> = const { RefCell::new(Vec::new()) };
}

impl Listener {
    pub(crate) fn tell(&self, phase: Phase, done: usize, total: usize) {
        if let Some(listen) = &self.0 {
            let _called = Called::begin(listen);
            listen(Progress { phase, done, total });
        }
    }

    /// Whether this is asked by the listener itself.
    pub(crate) fn is_calling(&self) -> bool {
        self.0.as_ref().is_some_and(|listen| CALLED.with_borrow(|called| called.contains(&address(listen))))
    }
}

fn address(listen: &Listen) -> *const () {
    Arc::as_ptr(listen).cast()
}

/// While a listener is called.
struct Called;

impl Called {
    fn begin(listen: &Listen) -> Self {
        CALLED.with_borrow_mut(|called| called.push(address(listen)));
        Called
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        CALLED.with_borrow_mut(Vec::pop);
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "nobody" })
    }
}
