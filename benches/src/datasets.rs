//! `datasets`: builds each real set in one batch, reopens it and measures recall. Builds one set at growing sizes. Prints
//! Markdown.

use crate::sets::{SETS, Set, element};
use crate::{Failure, machine, truth};
use omendb_engine::{Db, Element, Id, Metric, Options, RowsRef, SearchOptions, f16};
use omendb_formats::{NumberKind, Strided, Truth};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The k of the queries.
const K: usize = 10;
const WIDTHS: [usize; 6] = [10, 20, 40, 60, 80, 100];
/// The growing sizes.
const SIZES: [usize; 5] = [1_000, 10_000, 50_000, 100_000, 500_000];
/// The set that grows.
const GROWING: &str = "sift500k";

/// The arguments of the run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the sets: NAME.base.*, NAME.query.*, NAME.truth.ibin.
    #[arg(long, env = "OMENDB_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Only sets whose name starts with this.
    #[arg(long)]
    only: Option<String>,
    /// The folder for databases [default: the system's temporary folder].
    #[arg(long)]
    scratch: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let wanted = |name: &str| arguments.only.as_ref().is_none_or(|start| name.starts_with(start.as_str()));
    println!("## Data sets\n\n{}.\n", machine::processor());
    println!(
        "Each built in one batch with the defaults, closed, reopened, asked for k = 10 on one thread, one query \
         a call. A cell of a width is recall@10 / queries a second / distances a query.\n"
    );
    print!("| set | rows × dim | type | metric | rows/s | bytes a row on disk | reopen s | exact recall |");
    WIDTHS.iter().for_each(|width| print!(" {width} |"));
    println!("\n|---|---|---|---|---:|---:|---:|---:|{}", "---:|".repeat(WIDTHS.len()));
    for set in SETS.iter().filter(|set| wanted(set.name)) {
        println!("{}", row(set, arguments)?);
    }
    if wanted(GROWING) {
        println!("\n## Build speed by size\n");
        println!(
            "The first rows of {GROWING}, each size in one batch, the fastest of several. The logarithm explains a \
             fall of rows/s from the first size by log(1,000) / log(rows): `explained` is what that leaves.\n"
        );
        println!("| rows | seconds | rows/s | explained | ratio |\n|---:|---:|---:|---:|---:|");
        sizes(arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds and searches a set: a row of the table.
fn row(set: &Set, arguments: &Arguments) -> Result<String, Failure> {
    let base = set.base(&arguments.data)?;
    let queries = set.queries(&arguments.data)?;
    let wanted = set.truth(&arguments.data)?;
    let (folder, path) = scratch(arguments)?;
    let (db, seconds) = build(&path, base.view(), base.rows(), set.metric)?;
    db.close()?;
    let start = Instant::now();
    let db = Db::open(&path)?;
    let reopen = start.elapsed().as_secs_f64();
    if db.count() != base.rows() {
        return Err(format!("{}: the database has {} rows; expected {}", set.name, db.count(), base.rows()).into());
    }
    let disk = db.stats().disk_bytes() as f64 / base.rows() as f64;
    let exact = sweep(&db, queries.view(), &wanted, &SearchOptions::new(K).exact(true), 1)?;
    let mut text = format!(
        "| {} | {} × {} | {} | {} | {:.0} | {disk:.0} | {reopen:.2} | {:.4} |",
        set.name,
        base.rows(),
        base.dim(),
        db.stats().row_type,
        set.metric,
        base.rows() as f64 / seconds,
        exact.recall,
    );
    for width in WIDTHS {
        let point = sweep(&db, queries.view(), &wanted, &SearchOptions::new(K).width(width), 3)?;
        text += &format!(" {:.4} / {:.0} / {:.0} |", point.recall, point.qps, point.distances);
    }
    drop(folder);
    Ok(text)
}

fn sizes(arguments: &Arguments) -> Result<(), Failure> {
    let set = Set::named(GROWING)?;
    let base = set.base(&arguments.data)?;
    let mut first = None;
    for rows in SIZES.into_iter().filter(|&rows| rows <= base.rows()) {
        // The fastest of as many as take about five seconds, at most twenty: the first size decides all
        // ratios, and is over in a moment.
        let (mut seconds, mut spent, mut times) = (f64::INFINITY, 0.0, 0);
        while times < 20 && spent < 5.0 {
            let (folder, path) = scratch(arguments)?;
            let took = build(&path, base.view(), rows, set.metric)?.1;
            drop(folder);
            (seconds, spent, times) = (seconds.min(took), spent + took, times + 1);
        }
        let speed = rows as f64 / seconds;
        let (few, fastest) = *first.get_or_insert((rows as f64, speed));
        let explained = fastest * few.ln() / (rows as f64).ln();
        println!("| {rows} | {seconds:.2} | {speed:.0} | {explained:.0} | {:.2} |", speed / explained);
    }
    Ok(())
}

/// A folder that is removed when dropped, and a path in it.
fn scratch(arguments: &Arguments) -> Result<(tempfile::TempDir, PathBuf), Failure> {
    let folder = match &arguments.scratch {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path = folder.path().join("set.omen");
    Ok((folder, path))
}

/// Adds and links the first `count` rows in one batch. Returns the seconds too.
fn build(path: &Path, rows: Strided<'_>, count: usize, metric: Metric) -> Result<(Db, f64), Failure> {
    let kind = element(rows.kind)?;
    let db = Db::create(path, Options::new(rows.dim, metric).row_type(kind))?;
    let ids: Vec<u64> = (0..count as u64).collect();
    let start = Instant::now();
    db.add_batch(&ids, RowsRef::strided(kind, rows.bytes, rows.stride, count))?;
    db.flush()?;
    Ok((db, start.elapsed().as_secs_f64()))
}

/// The recall and cost of a search.
struct Point {
    recall: f64,
    qps: f64,
    distances: f64,
}

/// Runs all queries several times. The fastest round counts.
fn sweep(
    db: &Db,
    queries: Strided<'_>,
    wanted: &Truth,
    options: &SearchOptions,
    rounds: usize,
) -> Result<Point, Failure> {
    match queries.kind {
        NumberKind::F32 => typed::<f32>(db, queries, wanted, options, rounds),
        NumberKind::F16 => typed::<f16>(db, queries, wanted, options, rounds),
        NumberKind::U8 => typed::<u8>(db, queries, wanted, options, rounds),
        other => Err(format!("unsupported type {other:?}").into()),
    }
}

fn typed<T: Element>(
    db: &Db,
    queries: Strided<'_>,
    wanted: &Truth,
    options: &SearchOptions,
    rounds: usize,
) -> Result<Point, Failure> {
    let queries: Vec<&[T]> = (0..queries.rows).map(|row| bytemuck::cast_slice(queries.row(row))).collect();
    let (mut found, mut distances) = (Vec::new(), 0);
    for query in &queries {
        let (hits, stats) = db.search_with_stats(query, options)?;
        distances += stats.distances;
        found.push(hits.iter().filter_map(|hit| number(&hit.id)).collect::<Vec<u64>>());
    }
    let mut fastest = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        for query in &queries {
            db.search_with(query, options)?;
        }
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let wanted: Vec<Vec<u64>> =
        (0..queries.len()).map(|query| wanted.row(query)[..K].iter().map(|&row| u64::from(row)).collect()).collect();
    let asked = queries.len() as f64;
    Ok(Point { recall: truth::recall(&found, &wanted), qps: asked / fastest, distances: distances as f64 / asked })
}

fn number(id: &Id) -> Option<u64> {
    match id {
        Id::U64(number) => Some(*number),
        _ => None,
    }
}
