//! The output of commands: text and tables for people, or one JSON object for programs.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufWriter, Stdout, Write};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle, presets};
use serde_json::Value;

use crate::failure::Failure;
use crate::global::Global;

/// Rules above, below and under the header; none between rows.
const STYLE: TableStyle = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());

/// The output of a command.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// `None` once its reader is gone.
    stdout: RefCell<Option<BufWriter<Stdout>>>,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let stdout = RefCell::new(Some(BufWriter::new(io::stdout())));
        Self { json: global.json, quiet: global.quiet, stdout }
    }

    /// Whether text for people is printed.
    pub(crate) fn for_people(&self) -> bool {
        !self.json && !self.quiet
    }

    /// Prints a line for people.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        if self.for_people() {
            self.write(|out| writeln!(out, "{text}").and_then(|()| out.flush()))?;
        }
        Ok(())
    }

    /// Prints a line for people on stderr, after the results on stdout.
    pub(crate) fn note(&self, text: impl Display) {
        if self.for_people() {
            // A closed stderr is ignored.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prints lines that another program may read too, such as ids.
    pub(crate) fn lines(&self, lines: impl IntoIterator<Item = impl Display>) -> Result<(), Failure> {
        if self.for_people() {
            self.write(|out| {
                lines.into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
                out.flush()
            })?;
        }
        Ok(())
    }

    /// Prints a table for people. The first `names` columns are aligned left, the others right.
    pub(crate) fn table(
        &self,
        names: usize,
        header: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<(), Failure> {
        if self.for_people() { self.line(table(names, header, rows)) } else { Ok(()) }
    }

    /// Prints names and values for people.
    pub(crate) fn pairs(&self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        self.lines(pairs.iter().map(|(name, value)| format!("{name:width$}  {value}")))
    }

    /// Prints the object for programs.
    pub(crate) fn json(&self, value: &Value) -> Result<(), Failure> {
        if self.json {
            self.write(|out| writeln!(out, "{value}").and_then(|()| out.flush()))?;
        }
        Ok(())
    }

    /// Writes to stdout. A reader that goes away, as in `omendb ids my.omen | head`, is no error: the command completes its
    /// work.
    fn write(&self, print: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>) -> Result<(), Failure> {
        let mut stdout = self.stdout.borrow_mut();
        let Some(out) = stdout.as_mut() else { return Ok(()) };
        match print(out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                *stdout = None;
                Ok(())
            }
            Err(error) => Err(Failure::Refused(format!("cannot write to stdout: {error}"))),
            Ok(()) => Ok(()),
        }
    }
}

/// A table. The first `names` columns are aligned left, the others right.
pub(crate) fn table(names: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 row", "2,000 rows".
pub(crate) fn counted(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number with four significant digits. The digits before the point stay; very small and large numbers have an exponent.
pub(crate) fn significant(number: f32) -> String {
    let scientific = format!("{number:.3e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -5..=9) => format!("{number:.*}", (3 - exponent).max(0) as usize),
        _ => scientific,
    }
}

/// A rate or a mean: grouped by three, with a decimal only if it is below 100.
pub(crate) fn rounded(number: f64) -> String {
    if number < 100.0 { format!("{number:.1}") } else { grouped(number.round() as u64) }
}

/// Bytes in the unit that leaves one to three digits before the point.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::{bytes, counted, grouped, rounded, significant};

    #[test]
    fn numbers_are_grouped_by_three() {
        let cases: [(u64, &str); 5] =
            [(0, "0"), (999, "999"), (1000, "1,000"), (65536, "65,536"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(counted(0, "row", "rows"), "0 rows");
        assert_eq!((rounded(1234.6).as_str(), rounded(7.26).as_str()), ("1,235", "7.3"));
    }

    #[test]
    fn distances_have_four_significant_digits() {
        let cases: [(f32, &str); 12] = [
            (0.0, "0.000"),
            (1.0, "1.000"),
            (0.012_345_6, "0.01235"),
            (-0.987_654, "-0.9877"),
            (9.999_96, "10.00"),
            (12.345, "12.35"),
            (123.456, "123.5"),
            (1234.56, "1235"),
            (123_456.7, "123457"),
            (0.000_012_345, "0.00001234"),
            (1.234_56e-20, "1.235e-20"),
            (1.234_56e20, "1.235e20"),
        ];
        for (number, text) in cases {
            assert_eq!(significant(number), text);
        }
    }

    #[test]
    fn bytes_have_one_to_three_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 KiB");
        assert_eq!(bytes(64 << 20), "64.0 MiB");
        assert_eq!(bytes(u64::MAX), "16777216.0 TiB");
    }
}
