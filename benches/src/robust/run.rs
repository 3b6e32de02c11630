//! Runs the cells of a kind: what cells share (rows, history, exact answers) is made once.

use super::cell::{self, Cell};
use super::data::Data;
use super::draw::Draw;
use super::history::{History, Story};
use super::kinds::Kind;
use super::outcome::Outcome;
use super::peers::Peers;
use super::question::Question;
use crate::Failure;

/// Runs those cells of a kind that are wanted, and hands each outcome to `tell`.
pub(super) fn run(
    kind: &'static Kind,
    seed: u64,
    wanted: &dyn Fn(&Cell) -> bool,
    peers: Option<&Peers>,
    tell: &mut dyn FnMut(Outcome),
) -> Result<(), Failure> {
    let mut cells: Vec<Cell> = Cell::of(kind).into_iter().filter(wanted).collect();
    while let Some(rows) = cells.first().map(Cell::rows) {
        let (now, later): (Vec<Cell>, Vec<Cell>) = cells.into_iter().partition(|cell| cell.rows() == rows);
        let data = (kind.make)(&mut Draw::new(seed, kind.name), rows);
        for history in History::ALL {
            let cells: Vec<Cell> = of_history(&now, history);
            if !cells.is_empty() {
                let story = history.story(&data, &mut Draw::new(seed, history.name()));
                run_story(&cells, &data, &story, peers, tell)?;
            }
        }
        cells = later;
    }
    Ok(())
}

fn of_history(cells: &[Cell], history: History) -> Vec<Cell> {
    cells.iter().filter(|cell| cell.way.history == history).copied().collect()
}

/// Runs cells of the same rows and history.
fn run_story(
    cells: &[Cell],
    data: &Data,
    story: &Story,
    peers: Option<&Peers>,
    tell: &mut dyn FnMut(Outcome),
) -> Result<(), Failure> {
    let Some(first) = cells.first() else { return Ok(()) };
    for &asked in first.kind.asked {
        let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.asked.metric == asked.metric).collect();
        let Some(first) = cells.first() else { continue };
        let question = Question::new(data, story, asked.metric);
        let fresh = match first.way.history {
            History::Fresh => None,
            _ => cell::fresh(&question).ok(),
        };
        // What lives after other histories is a random part of the kind, or all of it.
        let asks_peers =
            first.way.rows.is_none() && matches!(first.way.history, History::Fresh | History::Emptied | History::Hot);
        let peers = peers.filter(|_| asks_peers).map(|peers| peers.answer(&question)).transpose()?;
        for cell in cells {
            let result = cell.measure(&question);
            let (size, element, k) = ([data.count(), data.dim], data.element, question.k);
            tell(Outcome { cell: *cell, size, element, k, result, fresh: fresh.clone(), peers: peers.clone() });
        }
    }
    Ok(())
}
