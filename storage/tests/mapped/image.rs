//! A database directory as a value: taken from files, changed, and put back somewhere else.
//! Segments are holes of 64 MiB for the most part; only pages with bytes are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::TempDir;

const PAGE: usize = 4096;

/// A directory for files that need not survive: in memory where the system has such a place.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A file's bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) length: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.write(bytes, 0);
        content
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: u64) {
        let (mut at, mut left) = (offset, bytes);
        while !left.is_empty() {
            let within = at as usize % PAGE;
            let n = left.len().min(PAGE - within);
            let page = self.pages.entry(at / PAGE as u64).or_insert_with(|| vec![0; PAGE]);
            page[within..within + n].copy_from_slice(&left[..n]);
            (at, left) = (at + n as u64, &left[n..]);
        }
        self.length = self.length.max(at);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = vec![0; self.length as usize];
        for (page, bytes) in &self.pages {
            let at = *page as usize * PAGE;
            let n = PAGE.min(all.len() - at);
            all[at..at + n].copy_from_slice(&bytes[..n]);
        }
        all
    }

    pub(crate) fn bytes_at(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        range.map(|at| self.pages.get(&((at / PAGE) as u64)).map_or(0, |page| page[at % PAGE])).collect()
    }

    pub(crate) fn set_len(&mut self, length: u64) {
        if length < self.length {
            self.pages.retain(|page, _| page * (PAGE as u64) < length);
            if let Some(page) = self.pages.get_mut(&(length / PAGE as u64)) {
                page[length as usize % PAGE..].fill(0);
            }
        }
        self.length = length;
    }

    pub(crate) fn flip(&mut self, offset: u64, bits: u8) {
        assert!(offset < self.length);
        let page = self.pages.entry(offset / PAGE as u64).or_insert_with(|| vec![0; PAGE]);
        page[offset as usize % PAGE] ^= bits;
    }

    /// Offsets of all bytes in pages that have any, and the first of every hole.
    pub(crate) fn interesting(&self) -> Vec<u64> {
        let mut offsets = Vec::new();
        for (page, bytes) in &self.pages {
            let begin = page * PAGE as u64;
            let last = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) as u64;
            offsets.extend((begin..=begin + last + 1).filter(|at| *at < self.length));
        }
        offsets.push(self.length - 1);
        offsets
    }
}

/// Files by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Image(pub(crate) BTreeMap<String, Content>);

impl Image {
    pub(crate) fn take(dir: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let file = File::open(entry.path()).unwrap();
            let mut content = Content { length: file.metadata().unwrap().len(), pages: BTreeMap::new() };
            let mut piece = vec![0; 1 << 20];
            let mut at = 0;
            while at < content.length {
                let n = piece.len().min((content.length - at) as usize);
                file.read_exact_at(&mut piece[..n], at).unwrap();
                for (i, page) in piece[..n].chunks(PAGE).enumerate() {
                    if page.iter().any(|&byte| byte != 0) {
                        content.write(page, at + (i * PAGE) as u64);
                    }
                }
                at += n as u64;
            }
            files.insert(entry.file_name().into_string().unwrap(), content);
        }
        Self(files)
    }

    /// Writes the files into a new directory `db` of `parent`.
    pub(crate) fn put(&self, parent: &TempDir) -> std::path::PathBuf {
        let dir = parent.path().join("db");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        std::fs::create_dir(&dir).unwrap();
        for (name, content) in &self.0 {
            let file = File::create(dir.join(name)).unwrap();
            for (page, bytes) in &content.pages {
                let at = page * PAGE as u64;
                let n = PAGE.min((content.length - at) as usize);
                file.write_all_at(&bytes[..n], at).unwrap();
            }
            file.set_len(content.length).unwrap();
        }
        dir
    }

    /// The name of the only file that begins so.
    pub(crate) fn named(&self, prefix: &str) -> String {
        let mut names = self.0.keys().filter(|name| name.starts_with(prefix));
        let name = names.next().unwrap().clone();
        assert!(names.next().is_none(), "one file begins with {prefix}");
        name
    }
}

/// As text: a line `file NAME LENGTH`, then a line `OFFSET HEX` for each run of bytes that are not
/// zero.
impl Image {
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, content) in &self.0 {
            text += &format!("file {name} {}\n", content.length);
            for (page, bytes) in &content.pages {
                for (i, line) in bytes.chunks(32).enumerate().filter(|(_, line)| line.iter().any(|byte| *byte != 0)) {
                    let hex: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
                    text += &format!("{} {hex}\n", page * PAGE as u64 + 32 * i as u64);
                }
            }
        }
        text
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut image = Self::default();
        let mut current = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["file", name, length] = words[..] {
                current = name.into();
                let content = Content { length: length.parse().unwrap(), pages: BTreeMap::new() };
                image.0.insert(current.clone(), content);
                continue;
            }
            let bytes: Vec<u8> =
                (0..words[1].len() / 2).map(|i| u8::from_str_radix(&words[1][2 * i..2 * i + 2], 16).unwrap()).collect();
            let content = image.0.get_mut(&current).unwrap();
            let length = content.length;
            content.write(&bytes, words[0].parse().unwrap());
            content.length = length;
        }
        image
    }
}
