//! The memory of rows and blobs: a file mapped read-only, or anonymous pages.
//!
//! The rule of soundness: a region has one writer, which only writes bytes that no view shows yet. Bytes that a view shows
//! never change. This holds for views of other processes too, because they show acknowledged commits only. A failed commit
//! is removed from the log before a reader can see it, and the next one overwrites its rows (`mapped/flight.rs`). For
//! files FORMAT.md states one more assumption: only this library writes to a database's files.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{Mmap, MmapMut, MmapOptions};
#[cfg(feature = "rocksdb")]
use rustix::{
    mm::{MapFlags, ProtFlags, mmap_anonymous, munmap},
    process::{Resource, getrlimit},
};

/// A fixed range of memory. It neither moves nor shrinks while it is held.
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

// SAFETY: the base points into a map that `hold` owns, or dangles if the region is empty. Reads through it obey the rule
// above, whichever thread reads.
unsafe impl Send for Region {}
// SAFETY: shared reads are of bytes that do not change (`bytes`), or are atomic (`word`). Writes go through `bytes_mut`,
// whose caller promises that no other reference to the bytes exists; its owner's lock serializes writers.
unsafe impl Sync for Region {}

impl Region {
    /// Maps `len` bytes of a file read-only, from `at` on (a multiple of the page size). The file must be at least that
    /// long. It must not be truncated while it is mapped: a read past its end would be a bus error.
    pub(crate) fn map(file: &File, at: u64, len: usize) -> io::Result<Self> {
        if len == 0 {
            return Ok(Self { base: std::ptr::NonNull::dangling().as_ptr(), len, hold: Hold::Empty });
        }
        let found = file.metadata()?.len();
        if found < at.saturating_add(len as u64) {
            let what = format!("the file has {found} bytes; expected {}", at + len as u64);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        // SAFETY: the length is checked, and nobody writes to bytes that a view shows: see the module's rule.
        let map = unsafe { MmapOptions::new().offset(at).len(len).map(file)? };
        Ok(Self { base: map.as_ptr().cast_mut(), len, hold: Hold::File { _map: map } })
    }

    /// Zeroed anonymous pages. The system allocates them at first use.
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
        // SAFETY: in bounds by the check; unchanged while the slice lives by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base.add(at), len) }
    }

    /// Reads four bytes of the region. They may change; one write of all four is never seen in part.
    ///
    /// # Panics
    /// If they are not in the region, or do not begin on a multiple of four.
    pub(crate) fn word(&self, at: usize) -> u32 {
        assert!(at.is_multiple_of(4) && at <= self.len && self.len - at >= 4, "a word lies in its region");
        // SAFETY: in bounds and aligned by the check, because regions begin on page or 64-byte boundaries. The read is
        // atomic, so a concurrent writer is no data race.
        unsafe { AtomicU32::from_ptr(self.base.add(at).cast()) }.load(Ordering::Relaxed)
    }

    /// Writable bytes of an anonymous region.
    ///
    /// # Safety
    /// No other reference to these bytes exists while the slice lives.
    ///
    /// # Panics
    /// If they are not in the region, or it is a file.
    #[expect(clippy::mut_from_ref, reason = "disjoint parts of one region are written; the caller keeps them apart")]
    pub(crate) unsafe fn bytes_mut(&self, at: usize, len: usize) -> &mut [u8] {
        assert!(at <= self.len && len <= self.len - at, "bytes of a region lie in it");
        assert!(!self.is_file(), "a mapped file is written through the file");
        // SAFETY: in bounds by the check; writable because the region is anonymous or empty; exclusive by the caller's
        // promise.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(at), len) }
    }
}

/// Checks that `len` more bytes may be mapped within the process's limit.
#[cfg(feature = "rocksdb")]
pub(crate) fn check_room(len: usize) -> io::Result<()> {
    if getrlimit(Resource::As).current.is_none() {
        return Ok(());
    }
    // SAFETY: the new pages are inaccessible and unmapped at once; nothing refers to them.
    unsafe {
        let at =
            mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE)?;
        munmap(at, len)?;
    }
    Ok(())
}
