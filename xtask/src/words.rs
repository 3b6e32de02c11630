//! `cargo xtask words`: words that docs/GLOSSARY.md retired occur in no code, comment or page.

use crate::{Outcome, workspace};
use std::fs;
use std::path::{Path, PathBuf};

/// The retired words. The file is neither Rust nor Markdown, so that the check does not find it.
const LIST: &str = include_str!("words.txt");
/// Pages that quote retired words, or record what was written at the time.
const EXEMPT: &[&str] = &["docs/GLOSSARY.md", "docs/experiments", "CHANGELOG.md"];

/// A retired word or phrase.
struct Retired {
    words: Vec<String>,
    instead: &'static str,
}

/// A word of a text.
struct Word {
    text: String,
    line: usize,
    /// Whether a phrase may continue with it: nothing but blanks, comment marks, `_` or `-` is before it.
    follows: bool,
}

pub(crate) fn run() -> Outcome {
    let (root, retired) = (workspace::root(), retired());
    let mut found = Vec::new();
    let files = files(&root)?;
    for file in &files {
        let text = fs::read_to_string(root.join(file)).map_err(|error| format!("{}: {error}", file.display()))?;
        found.extend(
            uses(&text, &retired)
                .into_iter()
                .map(|(line, word, instead)| format!("{}:{line}: '{word}': write {instead}", file.display())),
        );
    }
    if found.is_empty() {
        eprintln!("words: {} files without retired words", files.len());
        return Ok(());
    }
    Err(format!("{} retired words:\n  {}", found.len(), found.join("\n  ")))
}

/// Rust and Markdown files below `root`, in order, relative to it.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let failed = |error| format!("{}: {error}", root.join(&folder).display());
        for entry in fs::read_dir(root.join(&folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = folder.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(failed)?;
            if name.starts_with('.') || name == "target" || EXEMPT.iter().any(|exempt| path == Path::new(exempt)) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && (name.ends_with(".rs") || name.ends_with(".md")) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The list, longest phrases first.
fn retired() -> Vec<Retired> {
    let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut retired: Vec<Retired> = lines
        .map(|line| {
            let (phrase, instead) = line.split_once(": ").expect("a phrase, a colon, a replacement");
            Retired { words: phrase.split(' ').map(str::to_lowercase).collect(), instead }
        })
        .collect();
    retired.sort_by_key(|retired| std::cmp::Reverse(retired.words.len()));
    retired
}

/// Line, retired word and replacement of each use in a text.
fn uses(text: &str, retired: &[Retired]) -> Vec<(usize, String, &'static str)> {
    let words = words(text);
    let begins = |at: usize, phrase: &[String]| {
        phrase.iter().enumerate().all(|(i, expected)| {
            words.get(at + i).is_some_and(|word| word.text == *expected && (i == 0 || word.follows))
        })
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        match retired.iter().find(|retired| begins(at, &retired.words)) {
            Some(Retired { words: phrase, instead }) => {
                found.push((words[at].line, phrase.join(" "), *instead));
                at += phrase.len();
            }
            None => at += 1,
        }
    }
    found
}

/// The words of a text in lower case. Identifiers are split at `_`, except constants.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut line, mut follows, mut inside, mut before) = (1, true, false, ' ');
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            if !inside {
                words.push(Word { text: String::new(), line, follows });
                (inside, follows) = (true, true);
            }
            words.last_mut().expect("pushed above").text.extend(letter.to_lowercase());
        } else {
            inside = false;
            line += usize::from(letter == '\n');
            // Constants stay whole: MAX_TEXT_ID is public.
            let joins = matches!(letter, '/' | '!' | '*' | '#' | '-') || letter == '_' && !before.is_uppercase();
            follows &= letter.is_whitespace() || joins;
        }
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{retired, uses};

    #[test]
    fn each_retired_word_is_found_in_prose_and_in_names_and_across_lines() {
        let retired = retired();
        assert!(retired.len() > 20);
        for each in &retired {
            let phrase = each.words.join(" ");
            let upper = phrase.to_uppercase();
            for (text, line) in [
                (format!("fine\nA {phrase}, here."), 2),
                (format!("({upper})"), 1),
                (format!("fn the_{}_is() {{}}", phrase.replace(' ', "_")), 1),
                (format!("/// some\n    /// {}", phrase.replace(' ', "\n    /// ")), 2),
            ] {
                assert_eq!(uses(&text, &retired), [(line, phrase.clone(), each.instead)], "{text}");
            }
        }
    }

    #[test]
    fn parts_of_other_words_and_phrases_across_sentences_are_not_found() {
        let retired = retired();
        for each in &retired {
            let phrase = each.words.join(" ");
            let mut texts = vec![format!("x{phrase}"), format!("{phrase}x")];
            if each.words.len() > 1 {
                texts.push(phrase.replace(' ', ". "));
            }
            for text in texts {
                assert!(uses(&text, &retired).is_empty(), "{text}");
            }
        }
    }
}
