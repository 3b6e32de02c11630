//! A file that appears whole under its name, or not at all.

use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::FormatError;

/// A file that becomes visible under its name when it is whole.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    file: NamedTempFile,
}

impl Target {
    /// Creates a temporary file beside `path`.
    pub(crate) fn create(path: &Path) -> Result<Self, FormatError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // An error of tempfile would name its own file.
        fs::metadata(folder).map_err(FormatError::io(path, "create it"))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".omendb-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new file, the umask applies.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(FormatError::io(path, "create it"))?;
        Ok(Self { path: path.into(), file })
    }

    /// Syncs the file and renames it to its name.
    pub(crate) fn publish(self) -> Result<(), FormatError> {
        let Self { path, file } = self;
        file.as_file().sync_all().map_err(FormatError::io(&path, "write it"))?;
        file.persist(&path).map_err(|e| FormatError::io(&path, "create it")(e.error))?;
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_file_mut().seek(to)
    }
}
