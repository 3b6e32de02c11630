//! The cells as Markdown and as JSON.

use super::outcome::Outcome;
use super::peers::NAMES;
use super::question::Figures;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The head of the table.
pub(super) const HEAD: &str = "\
| cell | rows × dim | type | k | recall | none | distances | fresh | floor | hnswlib | Faiss, M = 16 | Faiss, M = 32 | |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|";

/// The row of a cell.
pub(super) fn row(outcome: &Outcome) -> String {
    let Outcome { cell, size: [rows, dim], element, k, result, fresh, peers } = outcome;
    let found = match result {
        Ok(Figures { recall, none, distances, .. }) => format!("{recall:.4} | {none} | {distances:.0}"),
        Err(_) => "| | ".to_owned(),
    };
    let fresh = fresh.as_ref().map_or(String::new(), |fresh| format!("{:.4} / {:.0}", fresh.recall, fresh.distances));
    let peers =
        peers.as_ref().map_or([const { String::new() }; 3], |peers| peers.each_ref().map(found_by_peer)).join(" | ");
    let verdict = match &outcome.defects()[..] {
        [] => String::new(),
        defects => format!("**{}**", defects.join("; ")),
    };
    format!(
        "| {} | {rows} × {dim} | {element} | {k} | {found} | {fresh} | {:.3} | {peers} | {verdict} |",
        cell.name(),
        cell.asked.floor,
    )
}

/// Recall, how many found none where any did, and distances where they are told.
fn found_by_peer(figures: &Figures) -> String {
    let none = if figures.none > 0 { format!(" ({} none)", figures.none) } else { String::new() };
    let distances = if figures.distances > 0.0 { format!(" / {:.0}", figures.distances) } else { String::new() };
    format!("{:.4}{none}{distances}", figures.recall)
}

/// A cell as one JSON object.
pub(super) fn json(outcome: &Outcome) -> Value {
    let [rows, dim] = outcome.size;
    let peers: Option<BTreeMap<_, _>> = outcome.peers.as_ref().map(|peers| NAMES.into_iter().zip(peers).collect());
    json!({
        "cell": outcome.cell.name(),
        "rows": rows,
        "dim": dim,
        "k": outcome.k,
        "found": outcome.result.as_ref().ok(),
        "fresh": outcome.fresh,
        "floor": outcome.cell.asked.floor,
        "peers": peers,
        "defects": outcome.defects(),
    })
}
