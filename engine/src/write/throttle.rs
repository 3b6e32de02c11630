//! What callers ask of the linker thread, and how long they wait for it.
//!
//! While more rows wait than `buffer_rows`, writers are throttled; the more rows wait, the longer. So the buffer stays
//! short, and no single call pays for the rows of all. None of this is called in a forked process, which has no such
//! thread.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use parking_lot::MutexGuard;

use crate::db::Core;
use crate::write::linker::State;
use crate::write::pace::patience;
use crate::write::place::Place;

/// While rows are linked anew for a compaction, this many times `buffer_rows` may wait.
const MOST_COMPACTING: usize = 8;

impl Core {
    /// Wakes the thread if it has something to do.
    pub(crate) fn wake_linker(&self) {
        let snapshot = self.snapshot.load();
        if snapshot.buffered() > self.config.buffer_rows || self.many_died(&snapshot) {
            // Under the lock: the thread has looked before this state, and waits, or will look after it.
            let _state = self.linker.state.lock();
            self.linker.work.notify_one();
        }
    }

    /// Throttles a caller that has committed `rows` rows that end at `place`: until no more rows before it wait than
    /// `buffer_rows`, for a limited time. With `buffer_rows` of 0, until its rows are linked.
    pub(crate) fn throttle(&self, place: Place, rows: usize) {
        let (linker, limit) = (&self.linker, self.config.buffer_rows);
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
        loop {
            let waiting = linker.waiting(place, &self.snapshot.load());
            if state.failed.is_some() || waiting <= limit {
                return;
            }
            if state.is_compacting && waiting > limit.saturating_mul(MOST_COMPACTING) {
                linker.over.wait(&mut state);
            } else if linker.over.wait_until(&mut state, deadline).timed_out() {
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
