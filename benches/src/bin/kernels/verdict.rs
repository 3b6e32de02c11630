//! What the figures say to the goals: against other libraries, against the machine, and of
//! many rows against one.

use crate::cell::Cell;
use crate::rows::Place;
use std::fmt::Write as _;

pub(crate) const PEERS: [&str; 3] = ["simsimd", "numkong", "diskann"];

/// A peer whose largest error is beyond this share of what is summed does not compute the
/// same thing: half precision's own arithmetic errs by a thousandth.
pub(crate) const ACCURATE: f64 = 1.0 / 65_536.0;

pub(crate) fn markdown(cells: &[Cell]) -> String {
    let mut out = String::new();
    peers(&mut out, cells, "peer", |_| true);
    peers(&mut out, cells, "accurate peer", |error| error <= ACCURATE);
    limits(&mut out, cells);
    for shape in ["gathered", "by 8", "picked"] {
        groups(&mut out, cells, shape);
    }
    out
}

/// One row at a time, which is all that peers offer.
fn peers(out: &mut String, cells: &[Cell], which: &str, accepted: impl Fn(f64) -> bool) {
    let mut behind = Vec::new();
    let mut all = 0;
    for cell in cells {
        let peers = cell.entries.iter().filter(|e| PEERS.contains(&e.name.as_str()) && e.error.is_some_and(&accepted));
        let Some(best) = peers.min_by(|a, b| a.ns.total_cmp(&b.ns)) else { continue };
        let Some(ours) = cell.ns("pair") else { continue };
        all += 1;
        if ours > 1.03 * best.ns {
            behind.push(format!("{} ({} {:+.0} %)", cell.label(), best.name, 100.0 * (ours / best.ns - 1.0)));
        }
    }
    if all > 0 {
        list(out, &format!("`pair` within 3 % of the fastest {which}"), all, &behind);
    }
}

fn limits(out: &mut String, cells: &[Cell]) {
    let mut line = |what: &str, cells: Vec<&Cell>, share: bool| {
        let value =
            |cell: &Cell| cell.ns("gathered").map(|ns| if share { cell.load_ns / ns } else { ns / cell.limit_ns() });
        let figures: Vec<f64> = cells.iter().filter_map(|cell| value(cell)).collect();
        let (least, most) = figures.iter().fold((f64::INFINITY, 0.0), |(a, b), &f| (f64::min(a, f), f64::max(b, f)));
        if figures.is_empty() {
        } else if share {
            writeln!(out, "* {what}: {:.0} to {:.0} % of the load limit.", 100.0 * least, 100.0 * most).ok();
        } else {
            writeln!(out, "* {what}: {least:.2} to {most:.2} times the limit.").ok();
        }
    };
    for types in ["f32×f32", "f16×f16"] {
        for metric in ["l2", "ip", "cosine"] {
            let long = |c: &&Cell| c.place == Place::L2 && c.types == types && c.metric == metric && c.dim >= 768;
            line(&format!("`gathered` {types} {metric} from 768 up, in L2"), cells.iter().filter(long).collect(), true);
        }
    }
    for metric in ["l2", "ip", "cosine"] {
        let bytes = |c: &&Cell| {
            c.place != Place::Dram
                && ["u8×u8", "i8×i8"].contains(&c.types.as_str())
                && c.metric == metric
                && c.dim == 128
        };
        line(
            &format!("`gathered` u8 and i8 {metric} at 128, in L1 and L2"),
            cells.iter().filter(bytes).collect(),
            false,
        );
    }
}

fn groups(out: &mut String, cells: &[Cell], shape: &str) {
    let mut below = Vec::new();
    let mut all = 0;
    for cell in cells.iter().filter(|c| c.dim <= 384 && c.place != Place::Dram) {
        let (Some(pair), Some(gathered)) = (cell.ns("pair"), cell.ns(shape)) else { continue };
        all += 1;
        if pair < 1.3 * gathered {
            below.push(format!("{} ({:.2})", cell.label(), pair / gathered));
        }
    }
    if all > 0 {
        list(out, &format!("`{shape}` at least 1.3 times as fast as `pair`, up to 384"), all, &below);
    }
}

fn list(out: &mut String, what: &str, all: usize, not: &[String]) {
    write!(out, "* {what}: {} of {all} cells", all - not.len()).ok();
    let rest = if not.is_empty() { ".".to_owned() } else { format!("; not {}.", not.join(", ")) };
    writeln!(out, "{rest}").ok();
}
