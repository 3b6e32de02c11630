//! Bytes with impossible copies, removed rows or second graphs are refused with an error, never a panic.

mod space;

use std::ops::ControlFlow::Continue;

use omendb_graph::{BuildOptions, Defect, Graph, GraphError, NewRows, RowCopy, Scratch, link};
use space::{Points, Products};

const ROWS: u32 = 80;

/// The offsets of the counts of copies, removed rows and second graphs, and of the rows that are named.
const COPIES: usize = 20;
const REMOVED: usize = 24;
const NEAR: usize = 28;
const NAMED: usize = 32;

/// The bytes of a graph whose rows 70, 71 and 72 equal its rows 0, 0 and 5, with a second graph beside it.
fn bytes(rows: u32) -> Vec<u8> {
    let mut points = Points::clustered(rows as usize, 4, 1);
    let copies = [(0, 60), (0, 61), (5, 62)].map(|(vertex, slot)| RowCopy { vertex, slot });
    copies.iter().for_each(|copy| {
        let of = copy.vertex as usize * 4;
        points.values.copy_within(of..of + 4, copy.slot as usize * 4);
    });
    let rows = NewRows { copies: &copies, ..NewRows::from(rows) };
    let empty = Graph::empty(6).unwrap();
    let graph =
        link(&empty, &Products::of(&points), rows, &BuildOptions::default(), &mut |_| Continue(())).unwrap().graph;
    assert_eq!(graph.check(), []);
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).unwrap();
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The same bytes with other words in some places.
fn with(bytes: &[u8], words: &[(usize, u32)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    words.iter().for_each(|&(at, word)| bytes[at..at + 4].copy_from_slice(&word.to_le_bytes()));
    bytes
}

/// Where the second graph begins.
fn second(bytes: &[u8]) -> usize {
    8 + bytes[8..].windows(8).position(|window| window == b"OMENGRPH").unwrap()
}

#[test]
fn what_a_header_cannot_say_is_an_error() {
    let good = bytes(ROWS);
    assert_eq!([COPIES, REMOVED, NEAR].map(|at| word(&good, at)), [3, 0, 1]);
    let named: Vec<u32> = (0..6).map(|place| word(&good, NAMED + 4 * place)).collect();
    assert_eq!(named, [0, 60, 0, 61, 5, 62]);
    let (vertex, slot) = (|copy: usize| NAMED + 8 * copy, |copy: usize| NAMED + 8 * copy + 4);
    let near = second(&good);
    let cases: &[(&str, Vec<u8>)] = &[
        ("a copy of a copy", with(&good, &[(vertex(2), 60)])),
        ("a copy of itself", with(&good, &[(vertex(2), 62)])),
        ("a copy of two rows", with(&good, &[(slot(2), 60)])),
        ("the same copy twice", with(&good, &[(vertex(2), 0), (slot(2), 61)])),
        ("a copy beyond the rows", with(&good, &[(slot(2), ROWS)])),
        ("a copy far beyond the rows", with(&good, &[(slot(2), u32::MAX)])),
        ("a copy of a row beyond the rows", with(&good, &[(vertex(2), ROWS)])),
        ("a copy of a row far beyond the rows", with(&good, &[(vertex(2), u32::MAX)])),
        ("a copy that was removed", with(&good, &[(COPIES, 2), (REMOVED, 2), (vertex(2), 61), (slot(2), 63)])),
        ("a copy of a removed row", with(&good, &[(COPIES, 2), (REMOVED, 2), (vertex(2), 0), (slot(2), 63)])),
        ("a row removed twice", with(&good, &[(COPIES, 2), (REMOVED, 2), (vertex(2), 63), (slot(2), 63)])),
        ("removed beyond the rows", with(&good, &[(COPIES, 2), (REMOVED, 2), (vertex(2), 63), (slot(2), ROWS)])),
        ("fewer copies than are named", with(&good, &[(COPIES, 2)])),
        ("more copies than are named", with(&good, &[(COPIES, 4)])),
        ("more copies than there are bytes", with(&good, &[(COPIES, u32::MAX)])),
        ("more removed rows than there are bytes", with(&good, &[(REMOVED, u32::MAX)])),
        ("a second graph that is not said to follow", with(&good, &[(NEAR, 0)])),
        ("two second graphs", with(&good, &[(NEAR, 2)])),
        ("a second graph of a second graph", with(&good, &[(near + NEAR, 1)])),
        ("a second graph with a copy of itself", {
            let mut bytes = with(&good, &[(near + COPIES, 1)]);
            bytes.splice(near + NAMED..near + NAMED, [7, 0, 0, 0, 7, 0, 0, 0]);
            bytes
        }),
        ("a second graph that is missing", good[..near].to_vec()),
        ("a second graph of fewer rows", {
            let fewer = bytes(ROWS - 1);
            [&good[..near], &fewer[second(&fewer)..]].concat()
        }),
        ("a second graph of more rows", {
            let more = bytes(ROWS + 1);
            [&good[..near], &more[second(&more)..]].concat()
        }),
        ("a third graph", [&good[..], &good[near..]].concat()),
    ];
    for (name, bytes) in cases {
        let read = Graph::read_from(bytes);
        assert!(matches!(read, Err(GraphError::Corrupt { .. })), "{name}: {read:?}");
    }
}

#[test]
fn truncated_anywhere_it_is_an_error() {
    let good = bytes(ROWS);
    for length in 0..good.len() {
        let read = Graph::read_from(&good[..length]);
        assert!(matches!(read, Err(GraphError::Corrupt { .. })), "{length} bytes: {read:?}");
    }
    assert!(matches!(Graph::read_from(&[&good[..], &[0]].concat()), Err(GraphError::Corrupt { .. })));
}

#[test]
fn whatever_is_read_can_be_searched_and_written() {
    let good = bytes(ROWS);
    let points = Points::clustered(ROWS as usize, 4, 1);
    let (products, query) = (Products::of(&points), points.row(3).to_vec());
    let (mut scratch, mut read) = (Scratch::new(), 0);
    for place in 0..good.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = good.clone();
            damaged[place] ^= flip;
            let Ok(graph) = Graph::read_from(&damaged) else { continue };
            read += 1;
            assert!(graph.check().iter().all(|defect| !matches!(defect, Defect::OutOfRange { .. })));
            graph.search(&products, &query, 20, &mut scratch);
            assert!(scratch.nearest().all(|near| near.slot < graph.rows()), "byte {place}");
            let mut again = Vec::new();
            graph.write_to(&mut again).unwrap();
            assert_eq!(Graph::read_from(&again).unwrap().hash(), graph.hash(), "byte {place}");
        }
    }
    assert!(read > 1_000, "{read} of the damaged graphs are read: the test decides nothing");
}

#[test]
fn an_edge_to_or_from_a_copy_is_a_defect_in_either_graph() {
    let good = bytes(ROWS);
    let near = second(&good);
    // Behind the header and the copies: rows, entry points, and the list of row 0.
    for (first, list) in [(NAMED + 3 * 8, 6), (near + NAMED, word(&good, near + 12) as usize)] {
        let lists = first + 8 + 4 * word(&good, first + 4) as usize;
        let defect = |row: u32, target: u32| {
            let damaged = with(&good, &[(lists + 4 * list * row as usize, target)]);
            let defects = Graph::read_from(&damaged).unwrap().check();
            assert!(defects.contains(&Defect::Absent { slot: row, target }), "{row} to {target}: {defects:?}");
        };
        defect(3, 61);
        defect(62, 4);
    }
}
