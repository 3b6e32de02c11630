//! A lock that searches take, in a forked process too.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A mutex, and the process that made it. If a thread of that process holds it at a fork, it is locked for ever in the other.
pub(super) struct SearchLock<T> {
    mutex: Mutex<T>,
    process: u32,
}

impl<T> SearchLock<T> {
    pub(super) fn new(value: T) -> Self {
        SearchLock { mutex: Mutex::new(value), process: std::process::id() }
    }

    /// The value. In a forked process nobody is waited for: `None` if another thread holds the lock.
    pub(super) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if std::process::id() != self.process => None,
            Err(TryLockError::WouldBlock) => Some(self.mutex.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl<T: Default> Default for SearchLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::SearchLock;

    #[test]
    fn a_lock_of_another_process_is_not_waited_for() {
        let lock = SearchLock { process: 0, ..SearchLock::new(7) };
        let held = lock.lock();
        assert!(held.is_some() && lock.lock().is_none());
        drop(held);
        assert_eq!(lock.lock().as_deref(), Some(&7));
    }
}
