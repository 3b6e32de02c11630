//! The background thread that links rows, and who waits for it.
//!
//! Callers do not link. A thread of the database links the rows of the buffer in rounds of some tens of milliseconds. It also
//! removes deleted rows from the graph. While more rows wait than `buffer_rows`, writers are throttled; the more rows wait,
//! the longer. So the buffer stays short, and no single call pays for the rows of all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use omendb_storage::View;
use parking_lot::{Condvar, FairMutex, Mutex, MutexGuard};

use crate::OpenError;
use crate::db::Core;
use crate::state::snapshot::Snapshot;
use crate::write::pace::{Pace, patience};
use crate::write::saves::Saves;

/// A number of slots, of rows that have not been renumbered since.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place {
    epoch: u64,
    slots: u32,
}

impl Place {
    /// The end of the rows.
    pub(crate) fn end(view: &View) -> Self {
        Place { epoch: view.epoch(), slots: view.slots() }
    }

    /// Whether so many slots of `snapshot` are behind this place: in the graph, and not renumbered.
    fn is_linked(self, snapshot: &Snapshot) -> bool {
        self.is_of(snapshot) && snapshot.graph.rows() >= self.slots
    }

    fn is_of(self, snapshot: &Snapshot) -> bool {
        self.epoch == snapshot.view.epoch()
    }
}

/// What is shared with the thread.
pub(crate) struct Linker {
    /// Held for one round, or while a graph is written or compacted. Fair: who asks has it after the present round.
    pub(crate) turn: FairMutex<()>,
    state: Mutex<State>,
    /// There may be something to do.
    work: Condvar,
    /// A round is over, or a look for deleted rows.
    over: Condvar,
    /// The rows that were found at opening: nobody is throttled for them.
    found: Place,
}

#[derive(Default)]
struct State {
    /// Up to where callers wait for rows to be linked, whatever the buffer's limit.
    asked: Vec<Place>,
    /// Where the rows ended when linking failed; until it is done again.
    failed: Option<Place>,
    /// How many times it failed.
    failures: u64,
    /// Whether deleted rows are being taken out, and how many times that was done.
    taking_out: bool,
    taken_out: u64,
}

/// What the thread does next.
#[derive(Clone, Copy)]
enum Task {
    Link(Stretch),
    TakeOutDead,
}

/// Rows that are linked in rounds: those that waited when the first of these began.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) from: u32,
    pub(crate) to: Place,
}

impl Stretch {
    /// How many rows.
    pub(crate) fn len(&self) -> u32 {
        self.to.slots - self.from
    }
}

impl Linker {
    pub(crate) fn new(view: &View) -> Self {
        Linker {
            turn: FairMutex::new(()),
            state: Mutex::default(),
            work: Condvar::new(),
            over: Condvar::new(),
            found: Place::end(view),
        }
    }

    /// Whether rows wait in the buffer that were found there at opening.
    pub(crate) fn recovers(&self, snapshot: &Snapshot) -> bool {
        self.found.is_of(snapshot) && !self.found.is_linked(snapshot)
    }

    /// How many of the slots before `place` wait to be linked, those that were found at opening apart.
    fn waiting(&self, place: Place, snapshot: &Snapshot) -> usize {
        if !place.is_of(snapshot) {
            return 0;
        }
        let found = if self.found.is_of(snapshot) { self.found.slots } else { 0 };
        place.slots.saturating_sub(snapshot.graph.rows().max(found)) as usize
    }
}

/// The thread, which begins when it is handed its database, and ends if it is handed none.
pub(crate) struct LinkThread {
    pub(crate) begin: Sender<Arc<Core>>,
    pub(crate) handle: JoinHandle<()>,
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
}

/// What callers ask of the thread. None of this is called in a forked process, which has no such thread.
impl Core {
    /// Wakes the thread if it has something to do.
    pub(crate) fn wake_linker(&self) {
        let snapshot = self.snapshot.load();
        if snapshot.buffered() > self.options.buffer_rows || self.many_died(&snapshot) {
            // Under the lock: the thread has looked before this state, and waits, or will look after it.
            let _state = self.linker.state.lock();
            self.linker.work.notify_one();
        }
    }

    /// Throttles a caller that has committed `rows` rows that end at `place`: until no more rows before it wait than
    /// `buffer_rows`, for a limited time. With `buffer_rows` of 0, until its rows are linked.
    pub(crate) fn throttle(&self, place: Place, rows: usize) {
        let (linker, limit) = (&self.linker, self.options.buffer_rows);
        if limit == 0 {
            return self.link_up_to(place);
        }
        self.wake_linker();
        let waiting = linker.waiting(place, &self.snapshot.load());
        if waiting <= limit {
            return;
        }
        let deadline = Instant::now() + patience(waiting, rows, limit);
        let mut state = linker.state.lock();
        // Nobody waits for a linking that fails.
        while state.failed.is_none() && linker.waiting(place, &self.snapshot.load()) > limit {
            if linker.over.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Has what is in the buffer linked, and deleted rows taken out if they are many, and waits for that: not for what comes
    /// later.
    ///
    /// Failing is not an error of the caller: its rows are committed, and searched exactly until
    /// they are linked. The log tells.
    pub(crate) fn link_present(&self) {
        self.link_up_to(Place::end(&self.snapshot.load().view));
    }

    fn link_up_to(&self, mut place: Place) {
        let mut state = self.linker.state.lock();
        let present = self.snapshot.load();
        // A look that began before may have missed some.
        let looks = u64::from(state.taking_out) + u64::from(self.many_died(&present));
        let (taken_out, failures) = (state.taken_out + looks, state.failures);
        drop(present);
        while state.failures == failures {
            let present = self.snapshot.load();
            if !place.is_of(&present) {
                place = Place::end(&present.view);
            }
            if place.is_linked(&present) {
                break;
            }
            self.wait_for(&mut state, Some(place));
        }
        while state.taken_out < taken_out && (state.taking_out || self.many_died(&self.snapshot.load())) {
            self.wait_for(&mut state, None);
        }
    }

    /// Wakes the thread, and waits until it has done something.
    fn wait_for(&self, state: &mut MutexGuard<'_, State>, place: Option<Place>) {
        state.asked.extend(place);
        self.linker.work.notify_one();
        self.linker.over.wait(state);
        if let Some(mine) = place.and_then(|place| state.asked.iter().position(|asked| *asked == place)) {
            state.asked.swap_remove(mine);
        }
    }

    /// Ends the thread, soon even if it links many rows at once.
    pub(crate) fn end_linker(&self) {
        let _state = self.linker.state.lock();
        self.closing.store(true, Relaxed);
        self.linker.work.notify_one();
    }
}

/// What the thread does.
impl Core {
    /// Works, and waits for work, until the last handle goes. Of a database that is only read, until what was found in its
    /// buffer is linked.
    fn link_until_closing(&self) {
        let (mut pace, mut saves, mut stretch) = (Pace::of(self.options.buffer_rows), Saves::default(), None);
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
        let limit = self.options.buffer_rows;
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
