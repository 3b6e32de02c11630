//! Nothing beyond a row is read, masked away or not: query and rows end where memory does.

use memmap2::{Mmap, MmapOptions};
use omendb_kernels::{Distance, Element, Hamming, Isa, Metric, RowDistance, RowTable, bf16, f16};

/// Whole pages, whatever a page is, of a file that has half of what is mapped: to touch what comes after is SIGBUS.
const FILE: usize = 1 << 16;

/// Zeros as far as the file goes.
struct Edge(Mmap);

impl Edge {
    fn new() -> Self {
        let file = tempfile::tempfile().unwrap();
        file.set_len(FILE as u64).unwrap();
        // SAFETY: nobody else has the file.
        Self(unsafe { MmapOptions::new().len(2 * FILE).map(&file) }.unwrap())
    }

    /// The last `n` bytes before the end.
    fn last(&self, n: usize) -> &[u8] {
        &self.0[FILE - n..FILE]
    }
}

/// Those at which a vector, a group or a loop of any instruction set begins or ends.
fn lengths() -> impl Iterator<Item = usize> {
    (1..=200).chain([255, 257, 384, 511, 513, 768, 1023])
}

fn nothing_beyond<Q: Element, R: Element>() {
    let (query, rows) = (Edge::new(), Edge::new());
    for dim in lengths() {
        let query: &[Q] = bytemuck::cast_slice(query.last(dim * size_of::<Q>()));
        let row_bytes = dim * size_of::<R>();
        let row: &[R] = bytemuck::cast_slice(rows.last(row_bytes));
        for isa in Isa::available() {
            for metric in Metric::ALL {
                let handle = Distance::<Q, R>::with_isa(metric, dim, isa).unwrap();
                let expected = if metric == Metric::Cosine { 1.0 } else { 0.0 };
                assert_eq!(handle.pair(query, row).unwrap(), expected);
                // A group of eight, one of four, and one alone.
                let mut out = [f32::NAN; 13];
                handle.gathered(query, &[row; 13], &mut out).unwrap();
                assert_eq!(out, [expected; 13]);
                for n in [13, 4, 1] {
                    if n * row_bytes <= FILE {
                        let rows = rows.last(n * row_bytes);
                        out = [f32::NAN; 13];
                        handle.scan(query, bytemuck::cast_slice(rows), &mut out[..n]).unwrap();
                        assert_eq!(out[..n], [expected; 13][..n]);
                        let table = RowTable::new(vec![rows], row_bytes).unwrap();
                        let bytes = handle.bytes();
                        let picks = [n as u32 - 1; 13];
                        out = [f32::NAN; 13];
                        bytes.picked(bytemuck::cast_slice(query), &table, &picks, &mut out).unwrap();
                        assert_eq!(out, [expected; 13]);
                        between(bytes, &table, expected);
                    }
                }
            }
        }
    }
}

/// Rows of the table from its last one.
fn between(handle: &RowDistance, table: &RowTable<'_>, expected: f32) {
    let last = table.rows() - 1;
    let mut out = [f32::NAN; 9];
    handle.between(table, &[last; 9], &[last], &mut Vec::new(), &mut out).unwrap();
    assert_eq!(out, [expected; 9]);
}

#[test]
fn of_rows() {
    nothing_beyond::<f32, f32>();
    nothing_beyond::<f32, f16>();
    nothing_beyond::<f32, bf16>();
    nothing_beyond::<f32, u8>();
    nothing_beyond::<f32, i8>();
    nothing_beyond::<f16, f16>();
    nothing_beyond::<bf16, bf16>();
    nothing_beyond::<u8, u8>();
    nothing_beyond::<i8, i8>();
}

#[test]
fn of_bits() {
    let (query, rows) = (Edge::new(), Edge::new());
    for bytes in lengths() {
        let (query, row) = (query.last(bytes), rows.last(bytes));
        for isa in Isa::available() {
            let handle = Hamming::with_isa(8 * bytes, isa).unwrap();
            assert_eq!(handle.pair(query, row).unwrap(), 0.0);
            let mut out = [f32::NAN; 13];
            handle.gathered(query, &[row; 13], &mut out).unwrap();
            assert_eq!(out, [0.0; 13]);
            let all = rows.last(13 * bytes);
            out = [f32::NAN; 13];
            handle.scan(query, all, bytes, &mut out).unwrap();
            assert_eq!(out, [0.0; 13]);
            let table = RowTable::new(vec![all], bytes).unwrap();
            out = [f32::NAN; 13];
            handle.picked(query, &table, &[12; 13], &mut out).unwrap();
            assert_eq!(out, [0.0; 13]);
        }
    }
}
