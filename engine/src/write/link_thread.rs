//! The background thread that links rows.
//!
//! Callers do not link. A thread of the database links the rows of the buffer in rounds of some tens of milliseconds. It also
//! removes deleted rows from the graph.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::OpenError;
use crate::db::Core;
use crate::state::snapshot::Snapshot;
use crate::write::linker::State;
use crate::write::pace::Pace;
use crate::write::place::{Place, Stretch};
use crate::write::saves::Saves;

/// The thread, which begins when it is handed its database, and ends if it is handed none.
pub(crate) struct LinkThread {
    begin: Sender<Arc<Core>>,
    handle: JoinHandle<()>,
}

impl LinkThread {
    /// A database whose thread cannot be had is not opened, or made.
    pub(crate) fn start() -> Result<Self, OpenError> {
        let (begin, handed) = std::sync::mpsc::channel::<Arc<Core>>();
        let run = move || {
            if let Ok(core) = handed.recv() {
                drop(handed);
                core.link_until_closing();
            }
        };
        let started = std::thread::Builder::new().name("omendb-link".into()).spawn(run);
        let handle = started.map_err(|error| OpenError::Threads { threads: 1, what: error.to_string() })?;
        Ok(LinkThread { begin, handle })
    }
    /// Hands the thread its database.
    pub(crate) fn begin(self, core: &Arc<Core>) -> JoinHandle<()> {
        let begun = self.begin.send(Arc::clone(core)).is_ok();
        debug_assert!(begun, "the thread waits for its database");
        self.handle
    }
}

/// What the thread does next.
#[derive(Clone, Copy)]
enum Task {
    Link(Stretch),
    TakeOutDead,
}

impl Core {
    /// Works, and waits for work, until the last handle goes. Of a database that is only read, until what was found in its
    /// buffer is linked.
    fn link_until_closing(&self) {
        let (mut pace, mut saves, mut stretch) = (Pace::of(self.config.buffer_rows), Saves::default(), None);
        while let Some(task) = self.next_task(&mut stretch) {
            let linked = match task {
                Task::Link(stretch) => self.guarded("linking", || self.round(stretch, &mut pace)).flatten(),
                Task::TakeOutDead => self.guarded("taking out deleted rows", || self.take_out_dead()).and(None),
            };
            let mut state = self.linker.state.lock();
            match (task, linked) {
                (Task::TakeOutDead, _) => {
                    state.taking_out = false;
                    state.taken_out += 1;
                }
                (Task::Link(_), Some(_)) => state.failed = None,
                (Task::Link(failed), None) => {
                    let present = self.snapshot.load();
                    // Cleared meanwhile, or ended: that is no failure.
                    if failed.to.is_of(&present) && !self.closing.load(Relaxed) {
                        state.failed = Some(Place::end(&present.view));
                        state.failures += 1;
                        state.asked.clear();
                    }
                    stretch = None;
                }
            }
            self.linker.over.notify_all();
            drop(state);
            if let Some(took) = linked {
                self.guarded("a checkpoint", || saves.after_linking(self, took));
            }
        }
    }

    /// Waits for something to do; nothing is left to do when the database closes.
    fn next_task(&self, stretch: &mut Option<Stretch>) -> Option<Task> {
        let mut state = self.linker.state.lock();
        loop {
            if self.closing.load(Relaxed) {
                return None;
            }
            let present = self.snapshot.load();
            *stretch = stretch.filter(|stretch| stretch.to.is_of(&present) && !stretch.to.is_linked(&present));
            if stretch.is_none() {
                *stretch = self.to_link(&state, &present);
            }
            // First: rows that died are few beside those that come, and would else wait for all of these.
            if self.many_died(&present) {
                state.taking_out = true;
                self.saw_dead(&present);
                return Some(Task::TakeOutDead);
            }
            if let Some(stretch) = *stretch {
                return Some(Task::Link(stretch));
            }
            drop(present);
            if self.read_only {
                return None;
            }
            self.linker.work.wait(&mut state);
        }
    }

    /// What is to be linked: up to where the first of those waits who wait, or all if more wait in the buffer than should.
    fn to_link(&self, state: &State, present: &Snapshot) -> Option<Stretch> {
        let from = present.graph.rows();
        let asked = state.asked.iter().filter(|place| place.is_of(present) && place.slots > from);
        let first = asked.min_by_key(|place| place.slots).copied();
        // After a failure, when as many more have come as may wait.
        let limit = self.config.buffer_rows;
        let again = state.failed.filter(|failed| failed.is_of(present));
        let again = again.is_none_or(|failed| (present.view.slots() - failed.slots) as usize >= limit.max(1));
        let all = (present.buffered() > limit && again).then(|| Place::end(&present.view));
        first.or(all).map(|to| Stretch { from, to })
    }

    /// Links the next rows of the stretch; how long that took.
    fn round(&self, stretch: Stretch, pace: &mut Pace) -> Option<Duration> {
        let _turn = self.linker.turn.lock();
        let before = self.snapshot.load_full();
        if !stretch.to.is_of(&before) || stretch.to.is_linked(&before) {
            return Some(Duration::ZERO);
        }
        let to = pace.end(&before.graph, stretch.to.slots);
        let start = Instant::now();
        let linking = self.link_round(&before, to, stretch)?;
        let took = start.elapsed();
        pace.learn(to - before.graph.rows(), linking, took);
        Some(took)
    }

    /// A listener, which is others' code, may panic: the thread goes on.
    fn guarded<T>(&self, what: &str, work: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(work));
        done.inspect_err(|_| tracing::error!("{what} ended by a panic")).ok()
    }
}
