//! A graph as bytes, for a file: little-endian, every size checked before it is believed.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OMENGRPH` |
//! | 4 | version, 3 |
//! | 4 | R, the bound on a list |
//! | 4 | levels, the base among them |
//! | 4 | rows that are copies of another |
//! | 4 | rows that were taken out |
//! | 4 | 1 if a graph by a second measure follows, else 0 |
//! | 8 × copies | the row that is the vertex, and the copy; sorted |
//! | 4 × rows taken out | their numbers, ascending |
//! | | for each level, the base first: |
//! | 4 | rows |
//! | 4 | entry points |
//! | 4 × entry points | their numbers |
//! | 4 × R × rows | the lists, each padded to R with 0xFFFFFFFF; the highest bit of a late edge is set |
//!
//! The graph by a second measure is such bytes again, over the same rows; its own counts of copies, rows taken out and
//! graphs that follow are 0, for they are the same.
//!
//! Version 1 did not tell late edges from others: read as having none. Versions 1 and 2 had neither copies nor rows
//! taken out nor a second graph, nor their counts.
//!
//! Which rows are in the levels above follows from the rows that are vertices. The medium's checksum
//! covers these bytes; what is checked here is that no list leads outside.

use std::io::{self, Write};
use std::sync::Arc;

use crate::absent::{Absent, RowCopy};
use crate::csr::Edge;
use crate::level::Level;
use crate::{Graph, GraphError, MAX_ROWS};

const MAGIC: &[u8; 8] = b"OMENGRPH";
const VERSION: u32 = 3;
const OLDEST: u32 = 2;

impl Graph {
    /// Writes the graph in the format that [`Graph::read_from`] reads.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write(&self.absent, out)?;
        self.near.as_ref().map_or(Ok(()), |near| near.write(&Absent::default(), out))
    }

    fn write(&self, absent: &Absent, out: &mut dyn Write) -> io::Result<()> {
        let degree = self.csr().degree();
        out.write_all(MAGIC)?;
        let (copies, removed) = (absent.copies(), absent.removed().collect::<Vec<u32>>());
        let counts = [copies.len() as u32, removed.len() as u32, u32::from(self.near.is_some())];
        let header = [VERSION, degree as u32, self.above.len() as u32 + 1].into_iter().chain(counts);
        let copies = copies.iter().flat_map(|copy| [copy.vertex, copy.slot]);
        for word in header.chain(copies).chain(removed) {
            out.write_all(&word.to_le_bytes())?;
        }
        let mut list = Vec::with_capacity(degree * 4);
        for level in (0..=self.above.len()).map(|number| self.level(number)) {
            for word in [level.csr.rows(), level.entries.len() as u32].iter().chain(&level.entries) {
                out.write_all(&word.to_le_bytes())?;
            }
            for slot in 0..level.csr.rows() {
                list.clear();
                for edge in level.csr.edges(slot) {
                    list.extend_from_slice(&edge.to_le_bytes());
                }
                list.resize(degree * 4, 0xFF);
                out.write_all(&list)?;
            }
        }
        Ok(())
    }

    /// Reads what [`Graph::write_to`] wrote.
    ///
    /// # Errors
    /// [`GraphError::Corrupt`] when the bytes are not exactly one graph, or a list or an entry
    /// point leads to a row that the graph does not have.
    pub fn read_from(bytes: &[u8]) -> Result<Self, GraphError> {
        let mut reader = Reader { bytes, at: 0 };
        let (mut graph, has_near) = reader.graph(None)?;
        if has_near {
            let at = reader.at;
            let (near, has_near) = reader.graph(Some(&graph.absent))?;
            if has_near || near.rows() != graph.rows() {
                return Err(corrupt(at, format!("a second graph of {} rows, there are {}", near.rows(), graph.rows())));
            }
            let entries = graph.base.entries.clone();
            graph = graph.with_near(near);
            graph.base.entries = entries;
        }
        match bytes.len() - reader.at {
            0 => Ok(graph),
            more => Err(corrupt(reader.at, format!("{more} bytes more than the graph has"))),
        }
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

fn corrupt(offset: usize, what: String) -> GraphError {
    GraphError::Corrupt { offset: offset as u64, what }
}

/// Bytes read from front to back, none that are not there.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], GraphError> {
        let left = self.bytes.len() - self.at;
        if count > left as u64 {
            return Err(corrupt(self.at, format!("{left} bytes are left, {count} expected")));
        }
        let taken = &self.bytes[self.at..][..count as usize];
        self.at += taken.len();
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, GraphError> {
        self.take(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    }

    fn words(&mut self, count: u64) -> Result<impl Iterator<Item = u32> + use<'a>, GraphError> {
        let bytes = self.take(count * 4)?;
        Ok(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])))
    }

    /// A graph whose absent rows are known, or come with it; and whether another follows.
    fn graph(&mut self, known: Option<&Arc<Absent>>) -> Result<(Graph, bool), GraphError> {
        let at = self.at;
        if self.take(MAGIC.len() as u64)? != MAGIC {
            return Err(corrupt(at, "these bytes are not a graph".into()));
        }
        let (version, degree, levels) = (self.word()?, self.word()?, self.word()?);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(corrupt(at + 8, format!("version {version}, this library reads {OLDEST} to {VERSION}")));
        }
        let mut graph = Graph::empty(degree as usize).map_err(|error| corrupt(at + 12, error.to_string()))?;
        let mut has_near = false;
        if version >= 3 {
            let (copies, removed) = (self.word()?, self.word()?);
            has_near = match self.word()? {
                0 => false,
                1 => true,
                other => return Err(corrupt(self.at - 4, format!("{other} second graphs, there may be 1"))),
            };
            graph.absent = Arc::new(self.absent(copies, removed)?);
        }
        if let Some(known) = known {
            graph.absent = Arc::clone(known);
        }
        let rows = self.rows_ahead(degree)?;
        if !graph.absent.is_within(rows) {
            return Err(corrupt(at + 20, format!("copies or rows taken out that are not among {rows} rows")));
        }
        let mut graph = graph.grown(rows)?;
        if levels as usize != graph.above.len() + 1 {
            return Err(corrupt(at + 16, format!("{levels} levels, {rows} rows have {}", graph.above.len() + 1)));
        }
        for number in 0..=graph.above.len() {
            let vertices = if number == 0 { graph.vertex_count() } else { graph.level_rows(number) };
            self.level(graph.level_mut(number), vertices)?;
        }
        Ok((graph, has_near))
    }

    /// Copies, then rows taken out.
    fn absent(&mut self, copies: u32, removed: u32) -> Result<Absent, GraphError> {
        let at = self.at;
        let pairs: Vec<u32> = self.words(2 * u64::from(copies))?.collect();
        let copies = pairs.as_chunks().0.iter().map(|&[vertex, slot]| RowCopy { vertex, slot }).collect();
        let removed: Vec<u32> = self.words(u64::from(removed))?.collect();
        let absent = Absent::new(removed, copies);
        if absent.is_consistent() {
            Ok(absent)
        } else {
            Err(corrupt(at, "a row is a copy twice, or a copy of a copy".into()))
        }
    }

    /// The rows of the base, which come next and are not taken; so many that their lists are there.
    fn rows_ahead(&mut self, degree: u32) -> Result<u32, GraphError> {
        let at = self.at;
        let rows = self.word()?;
        let lists = 4 * u64::from(degree) * u64::from(rows);
        if rows > MAX_ROWS || lists > (self.bytes.len() - self.at) as u64 {
            return Err(corrupt(at, format!("{rows} rows in {} bytes", self.bytes.len())));
        }
        self.at = at;
        Ok(rows)
    }

    /// Fills a level that has its rows, of which so many are vertices, and no edges.
    fn level(&mut self, level: &mut Level, vertices: u32) -> Result<(), GraphError> {
        let (at, expected) = (self.at, level.csr.rows());
        let (rows, entries) = (self.word()?, self.word()?);
        if rows != expected {
            return Err(corrupt(at, format!("{rows} rows in a level of {expected}")));
        }
        if entries == 0 && vertices > 0 {
            return Err(corrupt(at + 4, format!("{vertices} vertices and no entry point")));
        }
        level.entries = self.words(u64::from(entries))?.collect();
        if let Some(wrong) = level.entries.iter().find(|&&entry| entry >= rows) {
            return Err(corrupt(at + 8, format!("entry point {wrong} of {rows} rows")));
        }
        let degree = level.csr.degree() as u64;
        let mut list = Vec::with_capacity(degree as usize);
        for slot in 0..rows {
            let at = self.at;
            list.clear();
            list.extend(self.words(degree)?.map(Edge::from_word).take_while(|&edge| edge != Edge::END));
            if let Some(wrong) = list.iter().map(|edge| edge.target()).find(|&target| target >= rows) {
                return Err(corrupt(at, format!("row {slot} links to {wrong}, there are {rows} rows")));
            }
            level.csr.set(slot, list.iter().copied());
        }
        Ok(())
    }
}
