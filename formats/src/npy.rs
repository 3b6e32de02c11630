//! Reads and writes the header of `.npy` files: NumPy Enhancement Proposal 1.
//!
//! The header is a Python dictionary of three known keys. A strict parser reads only that. A general parser of Python
//! literals (npyz, which the tests compare with) recurses as deep as the file nests, allocates what the file says and
//! multiplies the shape unchecked. A hostile file could crash the process.

use std::path::Path;

use crate::strided::Layout;
use crate::{FormatError, NumberKind, bin};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The longest accepted header, far longer than three keys need.
const MAX_HEADER: usize = 64 * 1024;
/// The bytes of a written header: magic, version, length and dictionary.
const WRITTEN: usize = 128;

/// Reads the header of `bytes`, with which a file of `file_length` bytes begins.
pub(crate) fn layout(path: &Path, bytes: &[u8], file_length: u64) -> Result<Layout, FormatError> {
    let wrong = |offset: usize, found: String, expected: &str| FormatError::Header {
        file: path.into(),
        offset: offset as u64,
        found,
        expected: expected.into(),
    };
    let short = || {
        let found = format!("the end of the file after {} bytes", bytes.len());
        wrong(0, found, "a whole .npy header")
    };
    if !bytes.starts_with(MAGIC) {
        let found = bytes[..bytes.len().min(6)].escape_ascii();
        return Err(wrong(0, format!("\"{found}\""), "\"\\x93NUMPY\""));
    }
    let version = bytes.get(6..8).ok_or_else(short)?;
    let (length, start) = match version {
        [1, 0] => {
            let b = bytes.get(8..10).ok_or_else(short)?;
            (usize::from(u16::from_le_bytes([b[0], b[1]])), 10)
        }
        [2 | 3, 0] => {
            let b = bytes.get(8..12).ok_or_else(short)?;
            (u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize, 12)
        }
        _ => {
            let found = format!("version {}.{}", version[0], version[1]);
            return Err(wrong(6, found, "version 1.0, 2.0 or 3.0"));
        }
    };
    if length > MAX_HEADER {
        return Err(wrong(8, format!("a header of {length} bytes"), "at most 65536 bytes"));
    }
    let text = bytes.get(start..start + length).ok_or_else(short)?;
    let mut reader = Reader { text, at: 0 };
    let array = reader.dictionary().map_err(|expected| wrong(start + reader.at, reader.found(), expected))?;

    let kind = match array.descr {
        b"<f8" => NumberKind::F64,
        b"<f4" => NumberKind::F32,
        b"<f2" => NumberKind::F16,
        b"|u1" | b"<u1" | b"u1" => NumberKind::U8,
        b"|i1" | b"<i1" | b"i1" => NumberKind::I8,
        other => {
            let found = format!("numbers of type '{}'", other.escape_ascii());
            let expected = "'<f8', '<f4', '<f2', '|u1' or '|i1' (little-endian; in Python: \
                            numpy.save(file, array.astype('<f4')))";
            return Err(wrong(start, found, expected));
        }
    };
    if array.fortran_order {
        let expected = "C order (in Python: numpy.save(file, numpy.ascontiguousarray(array)))";
        return Err(wrong(start, "Fortran order".into(), expected));
    }
    let &[rows, dim] = array.shape.as_slice() else {
        let (found, expected) = match array.shape.len() {
            0 => ("a single number".into(), "2 dimensions: rows and columns"),
            1 => (
                format!("an array of 1 dimension, {} numbers", array.shape[0]),
                "2 dimensions: rows and columns (in Python: array.reshape(-1, D) for rows of D numbers)",
            ),
            n => (
                format!("an array of {n} dimensions"),
                "2 dimensions: rows and columns (in Python: array.reshape(len(array), -1))",
            ),
        };
        return Err(wrong(start, found, expected));
    };
    let offset = start + length;
    if !offset.is_multiple_of(kind.size()) {
        let expected = format!("a multiple of the numbers' {} bytes", kind.size());
        return Err(wrong(8, format!("values from byte {offset}"), &expected));
    }
    bin::contiguous(path, file_length, offset, rows, dim, kind)
}

/// The header to write. It always has 128 bytes.
///
/// `kind` is one that `.npy` can hold (see [`crate::FileKind::numbers`]).
pub(crate) fn header(rows: u64, dim: u64, kind: NumberKind) -> [u8; WRITTEN] {
    let descr = match kind {
        NumberKind::F64 => "<f8",
        NumberKind::F16 => "<f2",
        NumberKind::U8 => "|u1",
        NumberKind::I8 => "|i1",
        _ => "<f4",
    };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    let mut header = [b' '; WRITTEN];
    header[..6].copy_from_slice(MAGIC);
    header[6..8].copy_from_slice(&[1, 0]);
    header[8..10].copy_from_slice(&(WRITTEN as u16 - 10).to_le_bytes());
    header[10..10 + dictionary.len()].copy_from_slice(dictionary.as_bytes());
    header[WRITTEN - 1] = b'\n';
    header
}

/// The parsed dictionary.
struct Array<'a> {
    descr: &'a [u8],
    fortran_order: bool,
    shape: Vec<u64>,
}

/// A position in the text of the dictionary. Errors name what was expected at `at`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

type Expected = &'static str;

impl<'a> Reader<'a> {
    fn dictionary(&mut self) -> Result<Array<'a>, Expected> {
        let (mut descr, mut order, mut shape) = (None, None, None);
        self.token(b'{', "'{'")?;
        while !self.accept(b'}') {
            let before = self.at;
            match self.string()? {
                b"descr" if descr.is_none() => {
                    self.token(b':', "':'")?;
                    descr = Some(self.string()?);
                }
                b"fortran_order" if order.is_none() => {
                    self.token(b':', "':'")?;
                    order = Some(self.boolean()?);
                }
                b"shape" if shape.is_none() => {
                    self.token(b':', "':'")?;
                    shape = Some(self.tuple()?);
                }
                _ => {
                    self.at = before;
                    return Err("each of the keys 'descr', 'fortran_order', 'shape' once");
                }
            }
            if !self.accept(b',') {
                self.token(b'}', "',' or '}'")?;
                break;
            }
        }
        self.spaces();
        if self.at < self.text.len() {
            return Err("the end of the header");
        }
        match (descr, order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Array { descr, fortran_order, shape }),
            _ => Err("each of the keys 'descr', 'fortran_order', 'shape' once"),
        }
    }

    fn spaces(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.spaces();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn token(&mut self, byte: u8, expected: Expected) -> Result<(), Expected> {
        if self.accept(byte) { Ok(()) } else { Err(expected) }
    }

    fn string(&mut self) -> Result<&'a [u8], Expected> {
        const EXPECTED: Expected = "a string in quotes (a type of one number, not a record)";
        self.spaces();
        let rest = &self.text[self.at..];
        let Some((&quote @ (b'\'' | b'"'), inside)) = rest.split_first() else {
            return Err(EXPECTED);
        };
        let end = inside.iter().position(|&b| b == quote || b == b'\\').ok_or(EXPECTED)?;
        if inside[end] == b'\\' {
            return Err(EXPECTED);
        }
        self.at += end + 2;
        Ok(&inside[..end])
    }

    fn boolean(&mut self) -> Result<bool, Expected> {
        self.spaces();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("True or False")
    }

    fn tuple(&mut self) -> Result<Vec<u64>, Expected> {
        let mut shape = Vec::new();
        self.token(b'(', "'('")?;
        while !self.accept(b')') {
            shape.push(self.integer()?);
            if !self.accept(b',') {
                self.token(b')', "',' or ')'")?;
                break;
            }
        }
        Ok(shape)
    }

    fn integer(&mut self) -> Result<u64, Expected> {
        self.spaces();
        let rest = &self.text[self.at..];
        let digits = &rest[..rest.iter().take_while(|b| b.is_ascii_digit()).count()];
        let value = str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
        self.at += digits.len();
        value.ok_or("a whole number below 2^64")
    }

    fn found(&self) -> String {
        match self.text.get(self.at..) {
            Some([]) | None => "the end of the header".into(),
            Some(rest) => format!("\"{}\"", rest[..rest.len().min(16)].escape_ascii()),
        }
    }
}
