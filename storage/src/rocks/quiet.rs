//! Makes the file size limit an error of RocksDB instead of the end of the process.
//!
//! A thread that writes beyond the limit (`ulimit -f`) gets the signal SIGXFSZ, which ends the process. RocksDB writes in the
//! caller's threads and in its own, and does not check the limit. So the signal is blocked in a thread while it calls RocksDB.
//! RocksDB's threads inherit that from the call that starts them.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIG_BLOCK, SIG_UNBLOCK, SIGXFSZ, sigset_t, timespec};

/// While it is held, SIGXFSZ is blocked in this thread. A signal that came meanwhile is discarded at the end.
pub(super) struct Quiet {
    /// Whether the signal was unblocked before.
    took: bool,
    /// Whether a signal was pending before: it is not discarded.
    waited: bool,
    /// The mask is per thread.
    _thread: PhantomData<*const ()>,
}

impl Quiet {
    pub(super) fn new() -> Self {
        let (ours, mut before, mut waiting) = (signals(true), signals(false), signals(false));
        // SAFETY: all pointers are to signal sets; only this thread's mask changes.
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
        // SAFETY: the pointers are to a signal set and a time, or null where allowed. Only this thread's mask changes.
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

/// Calls RocksDB with the signal blocked.
pub(super) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    let _quiet = Quiet::new();
    call()
}

/// The empty signal set, or that of SIGXFSZ.
fn signals(ours: bool) -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call initializes the set, and SIGXFSZ is a valid signal.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        if ours {
            libc::sigaddset(set.as_mut_ptr(), SIGXFSZ);
        }
        set.assume_init()
    }
}
