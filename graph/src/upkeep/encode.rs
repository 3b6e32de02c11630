//! A graph as bytes, for a file. All fields are little-endian, and every size is checked before use.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OMENGRPH` |
//! | 4 | version, 3 |
//! | 4 | R, the bound on a list |
//! | 4 | levels, the base among them |
//! | 4 | copies |
//! | 4 | removed rows |
//! | 4 | 1 if the second graph follows, else 0 |
//! | 8 × copies | the row that is the vertex, and the copy; sorted |
//! | 4 × removed rows | their numbers, ascending |
//! | | for each level, the base first: |
//! | 4 | rows |
//! | 4 | entry points |
//! | 4 × entry points | their numbers |
//! | 4 × R × rows | the lists, each padded to R with 0xFFFFFFFF; the highest bit of a late edge is set |
//!
//! The second graph has the same format, over the same rows. Its counts of copies, removed rows and further graphs are 0.
//!
//! Version 1 does not mark late edges. Version 2 has no copies, removed rows or second graph, nor their counts. This
//! library reads versions 2 and 3.
//!
//! The rows of upper levels follow from the vertices. The storage's checksum covers these bytes. Reading checks that no
//! list leads outside.

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
    /// Those of `out`.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write(&self.absent, out)?;
        self.near.as_ref().map_or(Ok(()), |near| near.write(&Absent::default(), out))
    }

    fn write(&self, absent: &Absent, out: &mut dyn Write) -> io::Result<()> {
        let degree = self.csr().degree();
        out.write_all(MAGIC)?;
        let (copies, removed) = (absent.copies(), absent.removed().collect::<Vec<u32>>());
        let counts = [copies.len() as u32, removed.len() as u32, u32::from(self.near.is_some())];
        let header = [VERSION, degree as u32, self.upper.len() as u32 + 1].into_iter().chain(counts);
        let copies = copies.iter().flat_map(|copy| [copy.vertex, copy.slot]);
        for word in header.chain(copies).chain(removed) {
            out.write_all(&word.to_le_bytes())?;
        }
        let mut list = Vec::with_capacity(degree * 4);
        for level in (0..=self.upper.len()).map(|number| self.level(number)) {
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

    /// Reads a graph that [`Graph::write_to`] wrote.
    ///
    /// # Errors
    /// [`GraphError::Corrupt`] if the bytes are not exactly one graph, or if a list or an entry point leads to a row that
    /// the graph does not have.
    pub fn read_from(bytes: &[u8]) -> Result<Self, GraphError> {
        let mut reader = Reader { bytes, at: 0 };
        let (mut graph, has_near) = reader.graph(None)?;
        if has_near {
            let at = reader.at;
            let (near, has_near) = reader.graph(Some(&graph.absent))?;
            if has_near || near.rows() != graph.rows() {
                let what = format!("the second graph has {} rows; expected {}", near.rows(), graph.rows());
                return Err(corrupt(at, what));
            }
            let entries = graph.base.entries.clone();
            graph = graph.with_near(near);
            graph.base.entries = entries;
        }
        match bytes.len() - reader.at {
            0 => Ok(graph),
            more => Err(corrupt(reader.at, format!("{more} bytes follow the graph"))),
        }
    }

    /// The XXH3-64 hash of the bytes of [`Graph::write_to`]. Graphs with the same lists and entry points have the same hash.
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

/// Reads bytes in order and never past their end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], GraphError> {
        let left = self.bytes.len() - self.at;
        if count > left as u64 {
            return Err(corrupt(self.at, format!("{left} bytes are left; expected {count}")));
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

    /// Reads a graph, with its absent slots unless they are `known`, and whether a second graph follows.
    fn graph(&mut self, known: Option<&Arc<Absent>>) -> Result<(Graph, bool), GraphError> {
        let at = self.at;
        if self.take(MAGIC.len() as u64)? != MAGIC {
            return Err(corrupt(at, "these bytes are not a graph".into()));
        }
        let (version, degree, levels) = (self.word()?, self.word()?, self.word()?);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(corrupt(at + 8, format!("version {version}; this library reads {OLDEST} to {VERSION}")));
        }
        let mut graph = Graph::empty(degree as usize).map_err(|error| corrupt(at + 12, error.to_string()))?;
        let mut has_near = false;
        if version >= 3 {
            let (copies, removed) = (self.word()?, self.word()?);
            has_near = match self.word()? {
                0 => false,
                1 => true,
                other => return Err(corrupt(self.at - 4, format!("{other} second graphs; at most 1 is possible"))),
            };
            graph.absent = Arc::new(self.absent(copies, removed)?);
        }
        if let Some(known) = known {
            graph.absent = Arc::clone(known);
        }
        let rows = self.rows_ahead(degree)?;
        if !graph.absent.is_within(rows) {
            return Err(corrupt(at + 20, format!("a copy or removed row is not among the {rows} rows")));
        }
        let mut graph = graph.grown(rows)?;
        if levels as usize != graph.upper.len() + 1 {
            return Err(corrupt(at + 16, format!("{levels} levels; {rows} rows have {}", graph.upper.len() + 1)));
        }
        for number in 0..=graph.upper.len() {
            let vertices = if number == 0 { graph.vertex_count() } else { graph.level_rows(number) };
            self.level(graph.level_mut(number), vertices)?;
        }
        Ok((graph, has_near))
    }

    /// Reads copies, then removed rows.
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

    /// Peeks at the number of rows of the base. Their lists are within the bytes.
    fn rows_ahead(&mut self, degree: u32) -> Result<u32, GraphError> {
        let at = self.at;
        let rows = self.word()?;
        let lists = 4 * u64::from(degree) * u64::from(rows);
        if rows > MAX_ROWS || lists > (self.bytes.len() - self.at) as u64 {
            return Err(corrupt(at, format!("{} bytes are too few for {rows} rows", self.bytes.len())));
        }
        self.at = at;
        Ok(rows)
    }

    /// Reads the lists and entry points of a level, which has `vertices` vertices.
    fn level(&mut self, level: &mut Level, vertices: u32) -> Result<(), GraphError> {
        let (at, expected) = (self.at, level.csr.rows());
        let (rows, entries) = (self.word()?, self.word()?);
        if rows != expected {
            return Err(corrupt(at, format!("a level has {rows} rows; expected {expected}")));
        }
        if entries == 0 && vertices > 0 {
            return Err(corrupt(at + 4, format!("a level of {vertices} vertices has no entry point")));
        }
        level.entries = self.words(u64::from(entries))?.collect();
        if let Some(wrong) = level.entries.iter().find(|&&entry| entry >= rows) {
            return Err(corrupt(at + 8, format!("entry point {wrong} is not among the {rows} rows")));
        }
        let degree = level.csr.degree() as u64;
        let mut list = Vec::with_capacity(degree as usize);
        for slot in 0..rows {
            let at = self.at;
            list.clear();
            list.extend(self.words(degree)?.map(Edge::from_word).take_while(|&edge| edge != Edge::END));
            if let Some(wrong) = list.iter().map(|edge| edge.target()).find(|&target| target >= rows) {
                return Err(corrupt(at, format!("row {slot} links to {wrong}, which is not among the {rows} rows")));
            }
            level.csr.set(slot, list.iter().copied());
        }
        Ok(())
    }
}
