//! A graph as bytes, for a file: little-endian, every size checked before it is believed.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OMENGRPH` |
//! | 4 | version, 1 |
//! | 4 | R, the bound on a list |
//! | 4 | rows |
//! | 4 | entry points |
//! | 4 × entry points | their slots |
//! | 4 × R × rows | the lists, each padded to R with 0xFFFFFFFF |
//!
//! The medium's checksum covers these bytes; what is checked here is that no list leads outside.

use std::io::{self, Write};

use crate::csr::{Csr, NONE};
use crate::{Graph, GraphError, MAX_ROWS};

const MAGIC: &[u8; 8] = b"OMENGRPH";
const VERSION: u32 = 1;
const HEADER: usize = 24;

impl Graph {
    /// Writes the graph in the format that [`Graph::read_from`] reads.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let degree = self.csr.degree();
        out.write_all(MAGIC)?;
        for word in [VERSION, degree as u32, self.rows(), self.entries.len() as u32] {
            out.write_all(&word.to_le_bytes())?;
        }
        for entry in &self.entries {
            out.write_all(&entry.to_le_bytes())?;
        }
        let mut list = Vec::with_capacity(degree * 4);
        for slot in 0..self.rows() {
            list.clear();
            for target in self.csr.neighbours(slot) {
                list.extend_from_slice(&target.to_le_bytes());
            }
            list.resize(degree * 4, 0xFF);
            out.write_all(&list)?;
        }
        Ok(())
    }

    /// Reads what [`Graph::write_to`] wrote.
    ///
    /// # Errors
    /// [`GraphError::Corrupt`] when the bytes are not exactly one graph, or a list or an entry
    /// point leads to a row that the graph does not have.
    pub fn read_from(bytes: &[u8]) -> Result<Self, GraphError> {
        let corrupt = |offset: usize, what: String| GraphError::Corrupt { offset: offset as u64, what };
        let header = bytes
            .get(..HEADER)
            .ok_or_else(|| corrupt(0, format!("{} bytes, a graph has {HEADER} at least", bytes.len())))?;
        if &header[..8] != MAGIC {
            return Err(corrupt(0, "these bytes are not a graph".into()));
        }
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (version, degree, rows, entries) = (word(8), word(12), word(16), word(20));
        if version != VERSION {
            return Err(corrupt(8, format!("version {version}, this library reads {VERSION}")));
        }
        let csr = Csr::new(degree as usize).map_err(|error| corrupt(12, error.to_string()))?;
        if rows > MAX_ROWS {
            return Err(corrupt(16, format!("{rows} rows, at most {MAX_ROWS} are possible")));
        }
        let lists = HEADER as u64 + 4 * u64::from(entries);
        let expected = lists + 4 * u64::from(degree) * u64::from(rows);
        if bytes.len() as u64 != expected {
            return Err(corrupt(16, format!("{} bytes, {expected} expected for {rows} rows of {degree}", bytes.len())));
        }
        if entries == 0 && rows > 0 {
            return Err(corrupt(20, format!("{rows} rows and no entry point")));
        }

        let lists = lists as usize;
        let entries: Vec<u32> = (HEADER..lists).step_by(4).map(word).collect();
        if let Some(place) = entries.iter().position(|&entry| entry >= rows) {
            return Err(corrupt(HEADER + 4 * place, format!("entry point {} of {rows} rows", entries[place])));
        }
        let csr = csr.grown(rows)?;
        let stride = degree as usize * 4;
        let mut list = Vec::with_capacity(degree as usize);
        for (slot, row) in (0u32..).zip(bytes[lists..].chunks_exact(stride)) {
            list.clear();
            let words = row.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
            list.extend(words.take_while(|&target| target != NONE));
            if let Some(place) = list.iter().position(|&target| target >= rows) {
                let offset = lists + slot as usize * stride + 4 * place;
                return Err(corrupt(offset, format!("row {slot} links to {}, the graph has {rows} rows", list[place])));
            }
            csr.set(slot, list.iter().copied());
        }
        Ok(Graph { csr, entries })
    }

    /// A number that two graphs share only when they have the same lists and entry points:
    /// XXH3-64 over the bytes of [`Graph::write_to`].
    pub fn hash(&self) -> u64 {
        struct Hashing(xxhash_rust::xxh3::Xxh3);
        impl Write for Hashing {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.update(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut hashing = Hashing(xxhash_rust::xxh3::Xxh3::new());
        self.write_to(&mut hashing).expect("hashing does not fail");
        hashing.0.digest()
    }
}
