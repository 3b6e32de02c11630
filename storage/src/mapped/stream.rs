//! Writes and reads files sequentially through a buffer, and computes checksums.

use std::io::{self, Read, Write};

use crate::StorageError;
use crate::files::dir::DirFile;
use crate::files::id_codec::Put;

const BUFFER: usize = 1 << 20;

/// Appends to a new file through a buffer, and computes the checksum.
pub(crate) struct Sink<'a> {
    file: &'a DirFile,
    buffer: Vec<u8>,
    at: u64,
    crc: u32,
    failure: Option<StorageError>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(file: &'a DirFile, at: u64) -> Self {
        Self { file, buffer: Vec::new(), at, crc: 0, failure: None }
    }

    /// Writes the rest of the buffer. Returns the end and the checksum of all bytes.
    pub(crate) fn finish(mut self) -> Result<(u64, u32), StorageError> {
        self.drain()?;
        Ok((self.at, self.crc))
    }

    /// The storage error behind an `io::Error` of [`Write`].
    pub(crate) fn failure(&mut self) -> Option<StorageError> {
        self.failure.take()
    }

    fn drain(&mut self) -> Result<(), StorageError> {
        self.crc = crc32c::crc32c_append(self.crc, &self.buffer);
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Put for Sink<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.drain()?;
        }
        if bytes.len() >= BUFFER {
            self.crc = crc32c::crc32c_append(self.crc, bytes);
            self.file.write_at(bytes, self.at)?;
            self.at += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.put(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                let told = io::Error::other(error.to_string());
                self.failure.get_or_insert(error);
                Err(told)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file's bytes `at..end` sequentially.
pub(crate) struct Source<'a> {
    file: &'a DirFile,
    at: u64,
    end: u64,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a DirFile, at: u64, end: u64) -> io::BufReader<Self> {
        io::BufReader::with_capacity(
            BUFFER.min(usize::try_from(end - at).unwrap_or(BUFFER)).max(64),
            Self { file, at, end },
        )
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = out.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        self.file.raw().read_at(&mut out[..n], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// CRC-32C of a file's bytes `at..end`.
pub(crate) fn checksum(file: &DirFile, at: u64, end: u64) -> Result<u32, StorageError> {
    let mut piece = vec![0; BUFFER.min(usize::try_from(end - at).unwrap_or(BUFFER))];
    let (mut at, mut crc) = (at, 0);
    while at < end {
        let n = piece.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        file.read_at(&mut piece[..n], at)?;
        crc = crc32c::crc32c_append(crc, &piece[..n]);
        at += n as u64;
    }
    Ok(crc)
}
