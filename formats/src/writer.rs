//! Writes a file of vectors. It appears whole under its name or not at all.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::{bf16, f16};

use crate::strided::{Layout, Strided};
use crate::target::Target;
use crate::{FileKind, FormatError, NumberKind, RowId, bin, jsonl, npy, vecs};

/// A row to write.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// The row's bytes, as the file's numbers.
    Bytes(&'a [u8]),
    /// Numbers to convert. For f16 and bf16 they are rounded and must stay finite; for integers they must be whole and in
    /// range.
    F32(&'a [f32]),
}

impl<'a> From<&'a [u8]> for Row<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Row<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a [f32]> for Row<'a> {
    fn from(numbers: &'a [f32]) -> Self {
        Self::F32(numbers)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Row<'a> {
    fn from(numbers: &'a [f32; N]) -> Self {
        Self::F32(numbers)
    }
}

/// Writes rows sequentially. The file appears at `path` with [`VectorWriter::finish`]. Without that call nothing is left
/// behind.
#[derive(Debug)]
pub struct VectorWriter {
    path: PathBuf,
    file: FileKind,
    kind: NumberKind,
    dim: usize,
    rows: u64,
    out: BufWriter<Target>,
    converted: Vec<u8>,
    numbers: Vec<f32>,
}

impl VectorWriter {
    /// Begins a file of rows of `dim` numbers of `kind`. The ending of `path` names the format.
    ///
    /// # Errors
    /// [`FormatError::Ending`] and [`FormatError::Kind`] if the ending is unknown or its files
    /// cannot hold `kind`; [`FormatError::Dimension`] and [`FormatError::Capacity`] if `dim` is 0
    /// or above 2³¹ − 1; [`FormatError::Io`].
    pub fn create(path: impl AsRef<Path>, dim: usize, kind: NumberKind) -> Result<Self, FormatError> {
        let path = path.as_ref();
        let file = FileKind::among(path, FileKind::VECTORS)?;
        if !file.numbers().contains(&kind) {
            let names: Vec<_> = file.numbers().iter().map(ToString::to_string).collect();
            let expected = format!("{} in a .{} file", names.join(", "), file.ending());
            return Err(FormatError::Kind { file: path.into(), found: kind, expected });
        }
        if dim == 0 {
            return Err(FormatError::Dimension { file: path.into(), row: 0, found: 0, expected: 1 });
        }
        if i32::try_from(dim).is_err() {
            return Err(FormatError::Capacity {
                file: path.into(),
                what: "columns",
                found: dim as u64,
                limit: i32::MAX as u64,
            });
        }
        let mut writer = Self {
            path: path.into(),
            file,
            kind,
            dim,
            rows: 0,
            out: BufWriter::with_capacity(1 << 18, Target::create(path)?),
            converted: Vec::new(),
            numbers: Vec::new(),
        };
        writer.write_header().map_err(FormatError::io(path, "write it"))?;
        Ok(writer)
    }

    /// Adds a row. Only `.jsonl` files store `id`; without one they store the row's number.
    ///
    /// # Errors
    /// [`FormatError::Dimension`] for a row of another length, [`FormatError::Number`] for a number that the file cannot
    /// hold, [`FormatError::Capacity`] for more than 2³² − 1 rows if the header has a u32, [`FormatError::Io`]. After an `Io`
    /// error the file is lost.
    pub fn push<'a>(&mut self, id: Option<RowId<'_>>, row: impl Into<Row<'a>>) -> Result<(), FormatError> {
        if self.rows >= u64::from(u32::MAX) && self.counts_in_u32() {
            return Err(FormatError::Capacity {
                file: self.path.clone(),
                what: "rows",
                found: self.rows + 1,
                limit: u32::MAX.into(),
            });
        }
        let mut converted = std::mem::take(&mut self.converted);
        let bytes = match row.into() {
            Row::Bytes(bytes) => bytes,
            Row::F32(numbers) => {
                self.convert(numbers, &mut converted)?;
                &converted
            }
        };
        let size = self.kind.size();
        if bytes.len() != self.dim * size {
            return Err(FormatError::Dimension {
                file: self.path.clone(),
                row: self.rows,
                found: (bytes.len() / size) as i64,
                expected: self.dim as u64,
            });
        }
        self.write_row(id, bytes)?;
        self.converted = converted;
        self.rows += 1;
        Ok(())
    }

    /// Completes the file and renames it to its name, replacing a present file. Returns the number of rows.
    ///
    /// # Errors
    /// [`FormatError::Io`]. Then the path has not changed.
    pub fn finish(mut self) -> Result<u64, FormatError> {
        let error = || FormatError::io(&self.path, "write it");
        if self.file == FileKind::Npy || self.counts_in_u32() {
            self.out.seek(SeekFrom::Start(0)).map_err(error())?;
            self.write_header().map_err(FormatError::io(&self.path, "write it"))?;
        }
        let Self { path, out, rows, .. } = self;
        let target = out.into_inner().map_err(|e| FormatError::io(&path, "write it")(e.into_error()))?;
        target.publish()?;
        Ok(rows)
    }

    fn counts_in_u32(&self) -> bool {
        use FileKind::{Bf16bin, F16bin, Fbin, I8bin, Ibin, U8bin};
        matches!(self.file, Fbin | F16bin | Bf16bin | U8bin | I8bin | Ibin)
    }

    fn write_header(&mut self) -> io::Result<()> {
        if self.file == FileKind::Npy {
            self.out.write_all(&npy::header(self.rows, self.dim as u64, self.kind))
        } else if self.counts_in_u32() {
            self.out.write_all(&bin::header(self.rows as u32, self.dim as u32))
        } else {
            Ok(())
        }
    }

    fn write_row(&mut self, id: Option<RowId<'_>>, bytes: &[u8]) -> Result<(), FormatError> {
        let written = match self.file {
            FileKind::Fvecs | FileKind::Bvecs | FileKind::Ivecs => {
                self.out.write_all(&vecs::header(self.dim as i32)).and_then(|()| self.out.write_all(bytes))
            }
            FileKind::Jsonl => {
                let layout = Layout { offset: 0, rows: 1, dim: self.dim, kind: self.kind, stride: bytes.len() };
                Strided::new(bytes, layout).row_f32(0, &mut self.numbers);
                check(&self.path, self.rows, &self.numbers, "a finite number", |x| x.is_finite().then_some(()))?;
                let id = id.unwrap_or(RowId::U64(self.rows));
                jsonl::write_line(&mut self.out, id, self.numbers.iter().copied())
            }
            _ => self.out.write_all(bytes),
        };
        written.map_err(FormatError::io(&self.path, "write it"))
    }

    /// Converts numbers to the file's type, little-endian.
    fn convert(&self, numbers: &[f32], out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.clear();
        let check =
            |expected, store: &mut dyn FnMut(f32) -> Option<()>| check(&self.path, self.rows, numbers, expected, store);
        match self.kind {
            NumberKind::F64 => {
                out.extend(numbers.iter().flat_map(|&x| f64::from(x).to_le_bytes()));
                Ok(())
            }
            NumberKind::F32 => {
                out.extend_from_slice(bytemuck::cast_slice(numbers));
                Ok(())
            }
            NumberKind::F16 => check("a finite f16", &mut |x| {
                let x = f16::from_f32(x);
                out.extend(x.to_le_bytes());
                x.is_finite().then_some(())
            }),
            NumberKind::Bf16 => check("a finite bf16", &mut |x| {
                let x = bf16::from_f32(x);
                out.extend(x.to_le_bytes());
                x.is_finite().then_some(())
            }),
            NumberKind::U8 => check("a whole number from 0 to 255", &mut |x| {
                out.push(x as u8);
                (f32::from(x as u8) == x).then_some(())
            }),
            NumberKind::I8 => check("a whole number from -128 to 127", &mut |x| {
                out.push((x as i8).cast_unsigned());
                (f32::from(x as i8) == x).then_some(())
            }),
            NumberKind::I32 => check("a whole number of 32 bits", &mut |x| {
                out.extend((x as i32).to_le_bytes());
                (f64::from(x as i32) == f64::from(x)).then_some(())
            }),
        }
    }
}

/// Calls `store` for each number. The first that it refuses is an error.
fn check(
    file: &Path,
    row: u64,
    numbers: &[f32],
    expected: &'static str,
    mut store: impl FnMut(f32) -> Option<()>,
) -> Result<(), FormatError> {
    match numbers.iter().position(|&x| store(x).is_none()) {
        None => Ok(()),
        Some(column) => {
            Err(FormatError::Number { file: file.into(), row, column, found: numbers[column].into(), expected })
        }
    }
}
