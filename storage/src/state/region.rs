//! Memory that rows and blobs lie in: a file mapped read-only, or anonymous pages. Unsafe lives
//! here and in `view`.
//!
//! The rule that makes it sound: a region has one writer, which only touches bytes that no view
//! has been given yet; bytes that a view shows never change again. That holds for the views of other
//! processes too, as these are given acknowledged commits only: those that fail, and are written over
//! by the next, are taken out of the log before a reader may look (`mapped/flight.rs`). For files there
//! is one assumption more, stated in FORMAT.md: nobody but this library writes to a database's files.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{Mmap, MmapMut, MmapOptions};
#[cfg(feature = "rocksdb")]
use rustix::{
    mm::{MapFlags, ProtFlags, mmap_anonymous, munmap},
    process::{Resource, getrlimit},
};

/// A fixed range of memory: it neither moves nor shrinks while it is held.
pub(crate) struct Region {
    base: *mut u8,
    len: usize,
    hold: Hold,
}

enum Hold {
    File { _map: Mmap },
    Anonymous { _map: MmapMut },
    Empty,
}

// SAFETY: the base points into a map that `hold` owns; what is read through it obeys the rule
// above, whichever thread reads.
unsafe impl Send for Region {}
// SAFETY: as for `Send`: shared reads of bytes that do not change; the one writer is serialized
// by its owner's lock, and `write` is unsafe to call.
unsafe impl Sync for Region {}

impl Region {
    /// Maps `len` bytes of a file read-only, from `at` on (a multiple of the page size). The file
    /// must be at least that long, and
    /// must not be cut while it is mapped: reading past its end would be a bus error.
    pub(crate) fn map(file: &File, at: u64, len: usize) -> io::Result<Self> {
        if len == 0 {
            return Ok(Self { base: std::ptr::NonNull::dangling().as_ptr(), len, hold: Hold::Empty });
        }
        let found = file.metadata()?.len();
        if found < at.saturating_add(len as u64) {
            let what = format!("{found} bytes where {} were to be mapped", at + len as u64);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        // SAFETY: the length was checked; the module's rule says who writes to the file.
        let map = unsafe { MmapOptions::new().offset(at).len(len).map(file)? };
        Ok(Self { base: map.as_ptr().cast_mut(), len, hold: Hold::File { _map: map } })
    }

    /// Zeroed pages of no file; taken from the system as they are first touched.
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        if len == 0 {
            return Ok(Self { base: std::ptr::NonNull::dangling().as_ptr(), len, hold: Hold::Empty });
        }
        let mut map = MmapMut::map_anon(len)?;
        Ok(Self { base: map.as_mut_ptr(), len, hold: Hold::Anonymous { _map: map } })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.hold, Hold::File { .. })
    }

    pub(crate) fn base(&self) -> *const u8 {
        self.base
    }

    /// Bytes of the region.
    ///
    /// # Safety
    /// Nobody writes to these bytes while the slice lives.
    ///
    /// # Panics
    /// If they do not lie in the region.
    pub(crate) unsafe fn bytes(&self, at: usize, len: usize) -> &[u8] {
        assert!(at <= self.len && len <= self.len - at, "bytes of a region lie in it");
        // SAFETY: in bounds by the check; unchanging by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base.add(at), len) }
    }

    /// Four bytes of the region, whole if the writer writes them at once; they may change.
    ///
    /// # Panics
    /// If they do not lie in the region, or do not begin on a multiple of four.
    pub(crate) fn word(&self, at: usize) -> u32 {
        assert!(at.is_multiple_of(4) && at <= self.len && self.len - at >= 4, "a word lies in its region");
        // SAFETY: in bounds and aligned by the check, as regions begin on page or 64-byte boundaries; it
        // is read atomically, so that a writer does no harm.
        unsafe { AtomicU32::from_ptr(self.base.add(at).cast()) }.load(Ordering::Relaxed)
    }

    /// Bytes of an anonymous region, to be written.
    ///
    /// # Safety
    /// No other reference to these bytes exists while the slice lives.
    ///
    /// # Panics
    /// If they do not lie in the region, or it is a file.
    #[expect(clippy::mut_from_ref, reason = "disjoint parts of one region are written; the caller keeps them apart")]
    pub(crate) unsafe fn bytes_mut(&self, at: usize, len: usize) -> &mut [u8] {
        assert!(at <= self.len && len <= self.len - at, "bytes of a region lie in it");
        assert!(!self.is_file(), "a mapped file is written through the file");
        // SAFETY: in bounds by the check, writable as it is anonymous (or empty); exclusive by
        // the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(at), len) }
    }
}

/// Whether so many bytes more may be mapped, by the process's limit.
#[cfg(feature = "rocksdb")]
pub(crate) fn check_room(len: usize) -> io::Result<()> {
    if getrlimit(Resource::As).current.is_none() {
        return Ok(());
    }
    // SAFETY: new pages, which nobody knows of or may touch, go again.
    unsafe {
        let at =
            mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE)?;
        munmap(at, len)?;
    }
    Ok(())
}
