//! Whether a file belongs to this database. Its header decides, not its name.

use std::io;

use super::magic::{BLOB, IDS, LOG, MANIFEST, SEGMENT};
use crate::StorageError;
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile};
use crate::files::medium::Open;

/// The magics, and the offsets of the database's number.
const HEADERS: [(&[u8; 8], usize); 5] = [(SEGMENT, 12), (LOG, 16), (IDS, 16), (BLOB, 16), (MANIFEST, 24)];
const LONGEST: usize = 32;

/// The header of a file.
enum Header {
    /// A header with this database number.
    Database(u64),
    /// The file is empty or begins with zeros: its header was not written.
    Unwritten,
    Foreign,
}

/// Whether a file's header has this database's number.
pub(crate) fn is_of(dir: &Dir, name: &str, database: u64) -> bool {
    let header = dir.open(name, Open::Read).and_then(|file| read_header(&file));
    matches!(header, Ok(Header::Database(found)) if found == database)
}

/// Makes a new file with this header. A file that an unfinished attempt left under its name is replaced; any other file is
/// an error.
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
            // Without a header it could not be attributed later.
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
