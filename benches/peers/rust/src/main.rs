//! One Rust library on one set, in a process of its own: builds, sweeps the width, prints one JSON
//! object of the shape that `worker.py` prints.
//!
//! `rust-peers LIBRARY METRIC BASE QUERIES TRUTH THREADS ROUNDS WIDTHS`
#![forbid(unsafe_code)]

mod files;
mod hnsw;
mod instant;

use serde_json::{Value, json};
use std::time::Instant;

/// Neighbours asked for.
const K: usize = 10;
/// The sweep ends at this recall.
const ENOUGH: f64 = 0.997;

/// What a library must offer to be compared.
trait Library: Sized {
    const VERSION: &'static str;
    const SETTINGS: &'static str;
    fn build(base: &[Vec<f32>], metric: &str) -> Result<Self, String>;
    fn set_width(&mut self, width: usize);
    /// Row numbers of the nearest `K`.
    fn search(&self, query: &[f32]) -> Vec<usize>;
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let answer = match words.first().map(String::as_str) {
        Some("hnsw_rs") => measure::<hnsw::HnswRs>(&words[1..]),
        Some("instant-distance") => measure::<instant::InstantDistance>(&words[1..]),
        _ => Err("expected hnsw_rs or instant-distance".into()),
    };
    match answer {
        Ok(figures) => println!("{figures}"),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }
}

fn measure<L: Library>(words: &[String]) -> Result<Value, String> {
    let [metric, base, queries, truth, threads, rounds, widths] = words else {
        return Err("expected LIBRARY METRIC BASE QUERIES TRUTH THREADS ROUNDS WIDTHS".into());
    };
    let threads = threads.parse().map_err(|_| format!("threads: {threads}"))?;
    let rounds = rounds.parse().map_err(|_| format!("rounds: {rounds}"))?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|e| e.to_string())?;
    let (base, queries) = (files::vectors(base)?, files::vectors(queries)?);
    let truth = files::truth(truth)?;

    let call = {
        let mut tiny = L::build(&base[..K.min(base.len())], metric)?;
        tiny.set_width(K);
        per_call(&tiny, &queries, rounds)
    };
    let before = memory("VmRSS:");
    let start = Instant::now();
    let mut library = L::build(&base, metric)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut runs = Vec::new();
    for width in widths.split(',') {
        let width = width.parse().map_err(|_| format!("width: {width}"))?;
        library.set_width(width);
        let hits = |(query, wanted): (&Vec<f32>, &Vec<usize>)| {
            library.search(query).iter().filter(|row| wanted[..K].contains(row)).count()
        };
        let found: usize = queries.iter().zip(&truth).map(hits).sum();
        let recall = found as f64 / (K * queries.len()) as f64;
        runs.push(json!({"width": width, "recall": recall, "qps": 1.0 / per_call(&library, &queries, rounds)}));
        if recall >= ENOUGH {
            break;
        }
    }
    let rows = base.len() as f64;
    Ok(json!({
        "version": L::VERSION, "settings": L::SETTINGS, "rows": base.len(), "build_seconds": seconds,
        "rows_per_second": rows / seconds, "bytes_per_row": (memory("VmRSS:") - before) / rows,
        "runs": runs, "call_us": 1e6 * call,
    }))
}

/// Seconds of a call, one query a call, on one thread, in the fastest of the rounds.
fn per_call<L: Library>(library: &L, queries: &[Vec<f32>], rounds: usize) -> f64 {
    let round = |_| {
        let start = Instant::now();
        for query in queries {
            std::hint::black_box(library.search(query));
        }
        start.elapsed().as_secs_f64() / queries.len() as f64
    };
    (0..rounds).map(round).fold(f64::INFINITY, f64::min)
}

/// A figure of this process in bytes, as Linux tells it.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0)
}
