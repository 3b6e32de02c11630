//! The figures as Markdown.

use super::baseline::{Baseline, middle};
use super::case::{Figures, Measured, Outcome};

/// The head of the table.
pub(crate) const HEAD: &str = "\
| case | rows/s | recall@10 | QPS | p50 µs of best | p99 µs of best | distances | peak heap of building MiB | disk MiB | reopen s |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// The row of a case; in brackets the change from the baseline, where it is compared.
pub(crate) fn row(Outcome { case, result, .. }: &Outcome, baseline: &Baseline) -> String {
    let now = match result {
        Measured::Figures(figures) => figures,
        Measured::Broken(why) => return format!("| {case} | broken: {why} |"),
    };
    let (speeds, good) = (baseline.speeds(case), baseline.figures.get(case));
    let mib = 1024.0 * 1024.0;
    format!(
        "| {case} | {:.0}{} | {:.4} | {:.0}{} | {:.0} | {:.0} | {:.0}{} | {:.1}{} | {:.1} | {:.3} |",
        now.rows_per_second,
        change(now.build_ratio, speeds.map(|speeds| speeds.build_ratio)),
        now.recall,
        now.qps,
        change(now.search_ratio, speeds.map(|speeds| speeds.search_ratio)),
        now.p50_us,
        now.p99_us,
        now.distances,
        change(now.distances, good.map(|good| good.distances)),
        now.peak_bytes / mib,
        change(now.peak_bytes, good.map(|good| good.peak_bytes)),
        now.disk_bytes / mib,
        now.reopen_seconds,
    )
}

fn change(now: f64, good: Option<f64>) -> String {
    good.map_or(String::new(), |good| format!(" ({:+.0} %)", 100.0 * (now / good - 1.0)))
}

/// How far the figures of unchanged rounds spread: highest over lowest.
pub(crate) fn spread(rounds: &[Vec<Outcome>]) -> String {
    let mut text = format!(
        "{} rounds of the same build: median, and the lowest below it\n\n\
         | case | build ratio | noise | search ratio | noise | recall@10 spread | peak heap of building spread |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
        rounds.len()
    );
    for place in 0..rounds[0].len() {
        let all: Vec<Figures> = rounds.iter().filter_map(|round| round[place].figures()).collect();
        if all.len() < rounds.len() {
            text += &format!("| {} | broken |\n", rounds[0][place].case);
            continue;
        }
        let (build, build_noise) = middle(&all, |figures| figures.build_ratio);
        let (search, search_noise) = middle(&all, |figures| figures.search_ratio);
        text += &format!(
            "| {} | {build:.5} | {:.1} % | {search:.5} | {:.1} % | {:.1} % | {:.1} % |\n",
            rounds[0][place].case,
            100.0 * build_noise,
            100.0 * search_noise,
            100.0 * middle(&all, |figures| figures.recall).1,
            100.0 * middle(&all, |figures| figures.peak_bytes).1,
        );
    }
    text + "\n"
}
