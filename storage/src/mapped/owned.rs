//! Whose a file is, by its header: a name alone does not make a file ours.

use std::io;

use super::{blobfile, idsfile, log, manifest, segment};
use crate::StorageError;
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile};
use crate::files::medium::Open;

/// Magics, and where behind them the database's number lies.
const HEADERS: [(&[u8; 8], usize); 5] =
    [(segment::MAGIC, 12), (log::MAGIC, 16), (idsfile::MAGIC, 16), (blobfile::MAGIC, 16), (manifest::MAGIC, 24)];
const LONGEST: usize = 32;

/// What the beginning of a file says.
enum Header {
    /// A header with this database's number.
    Database(u64),
    /// Nothing: the file is empty, or begins with zeros, as one whose header never arrived.
    Unwritten,
    Foreign,
}

/// Whether a file's header says that it is of this database.
pub(crate) fn is_of(dir: &Dir, name: &str, database: u64) -> bool {
    let header = dir.open(name, Open::Read).and_then(|file| read_header(&file));
    matches!(header, Ok(Header::Database(found)) if found == database)
}

/// A new file that begins with this header. One that an unfinished attempt left under its name goes;
/// any other stays, and is an error.
pub(crate) fn create(dir: &Dir, name: &str, database: u64, header: &[u8]) -> Result<DirFile, StorageError> {
    let file = match dir.open(name, Open::New) {
        Err(error) if error.is_io(io::ErrorKind::AlreadyExists) => {
            match read_header(&dir.open(name, Open::Read)?)? {
                Header::Database(found) if found == database => {}
                Header::Unwritten => {}
                Header::Database(_) | Header::Foreign => return Err(error),
            }
            dir.remove(name)?;
            dir.open(name, Open::New)?
        }
        made => made?,
    };
    match file.write_at(header, 0) {
        Ok(()) => Ok(file),
        Err(error) => {
            // Nothing says whose it is.
            let _ = dir.remove(name);
            Err(error)
        }
    }
}

fn read_header(file: &DirFile) -> Result<Header, StorageError> {
    let mut bytes = vec![0; LONGEST.min(usize::try_from(file.len()?).unwrap_or(LONGEST))];
    file.read_at(&mut bytes, 0)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(Header::Unwritten);
    }
    let found = HEADERS.iter().find(|(magic, _)| bytes.starts_with(*magic));
    let number = found.and_then(|(_, at)| Fields(bytes.get(*at..)?).u64());
    Ok(number.map_or(Header::Foreign, Header::Database))
}
