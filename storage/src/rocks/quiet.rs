//! A limit on the size of files is an error of RocksDB's, not the end of the process.
//!
//! The system tells a thread that writes beyond it (`ulimit -f`) by the signal SIGXFSZ, which ends the
//! process. RocksDB writes in the caller's threads and in its own, and looks for no limit. So the signal
//! is blocked in the thread that calls RocksDB, and RocksDB's threads, which are started by such a
//! call, have that from it for as long as they live.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIG_BLOCK, SIG_UNBLOCK, SIGXFSZ, sigset_t, timespec};

/// While it is held, SIGXFSZ does not reach this thread; what came meanwhile is gone with it.
pub(super) struct Quiet {
    /// Whether the thread took the signal before.
    took: bool,
    /// Whether one was waiting already: it is not ours to take.
    waited: bool,
    /// A thread's own.
    _thread: PhantomData<*const ()>,
}

impl Quiet {
    pub(super) fn new() -> Self {
        let (ours, mut before, mut waiting) = (signals(true), signals(false), signals(false));
        // SAFETY: all are sets of signals; only this thread's mask changes.
        let (took, waited) = unsafe {
            libc::pthread_sigmask(SIG_BLOCK, &raw const ours, &raw mut before);
            libc::sigpending(&raw mut waiting);
            (libc::sigismember(&raw const before, SIGXFSZ) == 0, libc::sigismember(&raw const waiting, SIGXFSZ) == 1)
        };
        Self { took, waited, _thread: PhantomData }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let (ours, now) = (signals(true), timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: a set of signals and a time; what is null may be. Only this thread's mask changes.
        unsafe {
            if !self.waited {
                libc::sigtimedwait(&raw const ours, ptr::null_mut(), &raw const now);
            }
            if self.took {
                libc::pthread_sigmask(SIG_UNBLOCK, &raw const ours, ptr::null_mut());
            }
        }
    }
}

/// Calls RocksDB.
pub(super) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    let _quiet = Quiet::new();
    call()
}

/// A set of no signals, or of SIGXFSZ.
fn signals(ours: bool) -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call makes it a set, and SIGXFSZ is a signal.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        if ours {
            libc::sigaddset(set.as_mut_ptr(), SIGXFSZ);
        }
        set.assume_init()
    }
}
