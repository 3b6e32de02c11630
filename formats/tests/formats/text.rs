//! `.jsonl` and `.txt`: what each line may be, and the errors that name the line.

use omendb_formats::{FormatError, Ids, RowId, VectorFile, read_ids, read_truth, write_ids};

use crate::samples::put;

fn jsonl(text: &str) -> Result<VectorFile, FormatError> {
    let folder = tempfile::tempdir().unwrap();
    VectorFile::open(put(folder.path(), "a.jsonl", text.as_bytes()))
}

fn ids(bytes: &[u8]) -> Result<Ids, FormatError> {
    let folder = tempfile::tempdir().unwrap();
    read_ids(put(folder.path(), "a.txt", bytes))
}

#[test]
fn jsonl_ids_are_numbers_texts_or_missing() {
    let numbers = jsonl("{\"id\":0,\"vector\":[1]}\n{\"id\":18446744073709551615,\"vector\":[1]}");
    assert_eq!(numbers.unwrap().ids(), Some(&Ids::U64(vec![0, u64::MAX])));
    let texts = jsonl("{\"id\":\"7\",\"vector\":[1]}\r\n{\"id\":\"\\u00e9\\n\",\"vector\":[1]}\r\n");
    assert_eq!(texts.unwrap().ids(), Some(&Ids::Text(vec!["7".into(), "é\n".into()])));
    assert!(jsonl("{\"vector\":[1]}\n{\"vector\":[2]}").unwrap().ids().is_none());
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    assert_eq!(ids("\u{feff}7\r\n8\r\n".as_bytes()).unwrap(), Ids::U64(vec![7, 8]));
    assert_eq!(ids("7\n\u{feff}8\n".as_bytes()).unwrap(), Ids::Text(vec!["7".into(), "\u{feff}8".into()]));
    let longest = "x".repeat(1024);
    assert_eq!(
        ids(format!("\u{feff}{longest}\n8\n").as_bytes()).unwrap(),
        Ids::Text(vec![longest.clone(), "8".into()])
    );
    assert!(ids(format!("\u{feff}{longest}x\n8\n").as_bytes()).is_err());
    assert!(ids(format!("{longest}x\n8\n").as_bytes()).is_err());
    let file = jsonl("\u{feff}{\"id\":3,\"vector\":[1]}\n").unwrap();
    assert_eq!(file.ids(), Some(&Ids::U64(vec![3])));
    let other = jsonl("{\"id\":3,\"embedding\":[1,2]}\n").unwrap();
    assert_eq!((other.rows(), other.dim()), (1, 2));
    assert!(jsonl("{\"vector\":[1],\"embedding\":[1]}\n").is_err(), "two rows in a line");
}

#[test]
fn jsonl_errors_name_the_line() {
    let good = "{\"id\":1,\"vector\":[1,2]}\n";
    for (line, said) in [
        ("\n", "blank"),
        ("[1,2]\n", "an array"),
        ("[2,[1,2]]\n", "an array"),
        ("{\"id\":2}\n", "missing field `vector`"),
        ("{\"id\":2,\"vector\":[1,\"x\"]}\n", "string \\\"x\\\""),
        ("{\"id\":2,\"vector\":[1,null]}\n", "null"),
        ("{\"id\":2,\"vector\":[1,NaN]}\n", "no NaN"),
        ("{\"id\":2,\"vector\":[1,2]}}\n", "trailing characters"),
        ("{\"id\":2,\"vector\":[1,2", "EOF"),
        ("{\"id\":-1,\"vector\":[1,2]}\n", "integer `-1`"),
        ("{\"id\":1.5,\"vector\":[1,2]}\n", "1.5"),
        ("{\"id\":\"\",\"vector\":[1,2]}\n", "id of 0 bytes"),
        ("{\"id\":\"x\",\"vector\":[1,2]}\n", "the string \"x\" as id"),
        ("{\"vector\":[1,2]}\n", "no id"),
    ] {
        match jsonl(&format!("{good}{line}")) {
            Err(FormatError::Line { line: 2, found, .. }) => {
                let said = said.replace('\\', "");
                assert!(found.contains(&said), "{line}: {found}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    match jsonl(&format!("{good}{{\"id\":2,\"vector\":[1,2,3]}}")) {
        Err(FormatError::Dimension { row: 1, found: 3, expected: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
    match jsonl("{\"id\":2,\"vector\":[]}") {
        Err(FormatError::Dimension { row: 0, found: 0, .. }) => {}
        other => panic!("{other:?}"),
    }
    match jsonl(&format!("{good}{{\"id\":2,\"vector\":[1,1e39]}}")) {
        Err(FormatError::Number { row: 1, column: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(jsonl(""), Err(FormatError::Empty { .. })));
}

#[test]
fn nesting_as_deep_as_a_line_is_an_error() {
    let deep = format!("{{\"id\":1,\"x\":{},\"vector\":[1]}}", "[".repeat(1_000_000));
    assert!(matches!(jsonl(&deep), Err(FormatError::Line { line: 1, .. })));
}

#[test]
fn a_line_without_end_is_read_to_the_limit_only() {
    let long = format!("{{\"id\":1,\"vector\":[1{}", ",1".repeat(9 << 20));
    assert!(matches!(jsonl(&long), Err(FormatError::Line { line: 1, .. })));
}

#[test]
fn ids_are_numbers_only_if_all_are_plain_numbers() {
    assert_eq!(ids(b"0\n18446744073709551615\n").unwrap(), Ids::U64(vec![0, u64::MAX]));
    assert_eq!(ids(b"1\r\n2").unwrap(), Ids::U64(vec![1, 2]));
    for text in ["18446744073709551616", "+7", "-7", "007", " 7", "1.0", "7 ", "é"] {
        let found = ids(format!("5\n{text}\n6\n").as_bytes()).unwrap();
        assert_eq!(found, Ids::Text(vec!["5".into(), text.into(), "6".into()]));
    }
    assert!(ids(b"").unwrap().is_empty());
}

#[test]
fn id_errors_name_the_line() {
    let too_long = format!("a\n{}\n", "x".repeat(1025));
    for bytes in [&b"a\n\nb\n"[..], b"a\n\xff\n", too_long.as_bytes(), b"a\n\r\n"] {
        assert!(matches!(ids(bytes), Err(FormatError::Line { line: 2, .. })));
    }
    let longest = format!("a\r\n{}\r\n", "x".repeat(1024));
    assert_eq!(ids(longest.as_bytes()).unwrap().len(), 2);
}

#[test]
fn ids_come_back_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.txt");
    write_ids(&path, [RowId::U64(3), RowId::U64(1)]).unwrap();
    assert_eq!(read_ids(&path).unwrap(), Ids::U64(vec![3, 1]));
    write_ids(&path, [RowId::Text("a b"), RowId::Text("1")]).unwrap();
    assert_eq!(read_ids(&path).unwrap(), Ids::Text(vec!["a b".into(), "1".into()]));
    for bad in ["", "a\nb", "a\r"] {
        let refused = write_ids(&path, [RowId::Text("a"), RowId::Text(bad)]);
        assert!(matches!(refused, Err(FormatError::Line { line: 2, .. })));
    }
    assert_eq!(read_ids(&path).unwrap().len(), 2, "a refused write replaced the file");
}

#[test]
fn truth_is_read_from_ibin_and_ivecs_only() {
    let folder = tempfile::tempdir().unwrap();
    for sample in crate::samples::all() {
        let path = sample.put(folder.path());
        match (sample.name, read_truth(path)) {
            ("a.ibin", Ok(truth)) => {
                assert_eq!((truth.rows(), truth.k(), truth.row(0)), (1, 2, &[5u32, 256][..]));
            }
            ("a.ivecs", Ok(truth)) => {
                assert_eq!(truth.row(0), [5, u32::MAX]);
                assert_eq!(truth.row(1), [256, 1]);
            }
            (_, Err(FormatError::Ending { .. })) => {}
            (name, other) => panic!("{name}: {other:?}"),
        }
    }
}
