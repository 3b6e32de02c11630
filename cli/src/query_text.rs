//! Queries as text: one of the command line, or one a line on stdin.

use std::io::{BufRead, Read};

use crate::failure::Failure;
use crate::output::counted;

/// The path that means stdin.
pub(crate) const STDIN: &str = "-";
/// The longest line. A query of 65,536 numbers takes about 1.5 MB.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// One query as a JSON array of `dim` numbers.
pub(crate) fn parse(text: &str, dim: usize) -> Result<Vec<f32>, Failure> {
    numbers(text, dim).map_err(|what| Failure::Usage(format!("the query on the command line: {what}")))
}

/// A query from each line of `input`, one after another: all their numbers. Reads to the end.
pub(crate) fn read_lines(mut input: impl BufRead, dim: usize) -> Result<Vec<f32>, Failure> {
    let mut values = Vec::new();
    let mut line = Vec::new();
    for number in 1_u64.. {
        let refused = |what: String| Failure::Refused(format!("stdin: line {number}: {what}"));
        line.clear();
        // Two more than the limit, for the line break.
        let read = (&mut input).take(MAX_LINE_BYTES + 2).read_until(b'\n', &mut line);
        if read.map_err(|error| refused(format!("cannot read it: {error}")))? == 0 {
            break;
        }
        if line.len() as u64 > MAX_LINE_BYTES + 1 {
            return Err(refused(format!("found a line of more than {MAX_LINE_BYTES} bytes")));
        }
        let text = str::from_utf8(&line).map_err(|_| refused("found bytes that are not UTF-8".into()))?;
        values.extend(numbers(text, dim).map_err(refused)?);
    }
    if values.is_empty() {
        return Err(Failure::Refused("stdin: found no queries, expected a JSON array of numbers on each line".into()));
    }
    Ok(values)
}

/// The numbers of one query. The error says what was found and expected.
fn numbers(text: &str, dim: usize) -> Result<Vec<f32>, String> {
    let values: Vec<f32> =
        serde_json::from_str(text).map_err(|error| format!("expected an array of numbers; {error}"))?;
    if values.len() == dim {
        return Ok(values);
    }
    Err(format!("found {}, expected {dim}, the dimension of the rows", counted(values.len(), "value", "values")))
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINE_BYTES, read_lines};
    use crate::failure::Failure;

    #[test]
    fn each_line_is_a_query() {
        let values = read_lines(&b"[1, -2.5]\r\n [3,4e0] "[..], 2);
        assert!(matches!(&values, Ok(values) if values == &[1.0, -2.5, 3.0, 4.0]), "{values:?}");
    }

    #[test]
    fn a_line_that_is_no_query_is_refused_with_its_number() {
        let long = [b"[1, 2]\n[", &vec![b' '; MAX_LINE_BYTES as usize + 2][..]].concat();
        for (input, said) in [
            (&b""[..], "no queries"),
            (b"[1, 2]\n\n[3, 4]\n", "line 2: expected an array of numbers"),
            (b"[1, 2]\n[3]\n", "line 2: found 1 value, expected 2"),
            (b"[1, null]\n", "line 1: expected an array of numbers"),
            (b"[1, 2]\n[1, \xff]\n", "line 2: found bytes that are not UTF-8"),
            (&long, "line 2: found a line of more than 16777216 bytes"),
        ] {
            match read_lines(input, 2) {
                Err(Failure::Refused(message)) => assert!(message.contains(said), "{said:?} in {message}"),
                other => panic!("{said}: {other:?}"),
            }
        }
    }
}
