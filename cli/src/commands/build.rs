//! `omendb build`: makes a database from a file, in one batch.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use omendb_engine::{Backend, Db, ElementKind, Metric, OpenError, Options, Stats, StorageError};
use omendb_formats::Ids;
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::{Input, ids_ref};
use crate::output::{Output, bytes, grouped, rounded};
use crate::peak::peak_bytes;
use crate::place::{Place, is_taken};
use crate::progress::Bar;

/// Make a new database from a file of rows, in one batch
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb build sift.omen sift.base.fbin
  omendb build notes.omen notes.npy --ids titles.txt --metric cosine
  omendb build notes.omen notes.jsonl --metric cosine --force
  omendb build notes.omen float64.npy --type f32

With --type, rows are converted: rounded to f32, f16 or bf16, or whole numbers in the range of u8 or
i8. A .npy file of float64, NumPy's default, needs it.

Without --ids, the ids are those of the file (.jsonl), or else 0, 1, 2, … The database appears when
it is complete. If the file is refused or Ctrl-C ends the build, nothing is left behind, and with
--force the old database stays. A killed build leaves the hidden folder .NAME.omendb-draft, which
the next build of that name replaces.")]
pub(crate) struct Build {
    /// The database to make (a folder)
    db: PathBuf,
    /// The rows: .fvecs .bvecs .fbin .f16bin .bf16bin .u8bin .i8bin .npy or .jsonl
    file: PathBuf,
    /// A .txt file with one id per line, one for each row: all whole numbers, or strings
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    /// Replace an existing database
    #[arg(long)]
    force: bool,
}

/// The options of a new database.
#[derive(Debug, Args)]
pub(crate) struct Shape {
    /// The metric: l2 (squared Euclidean distance), ip (inner product) or cosine
    #[arg(long, default_value = "l2")]
    pub(crate) metric: Metric,
    /// The stored type of rows: f32, f16, bf16, u8 or i8 [default: as in the file]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) row_type: Option<ElementKind>,
    /// The storage: mapped (mapped files) or rocksdb (if it is compiled in)
    #[arg(long, default_value = "mapped", value_parser = backend)]
    pub(crate) backend: Backend,
    /// R: the most neighbours of a row in the graph [default: 32]
    #[arg(long, value_name = "R")]
    pub(crate) degree: Option<usize>,
    /// L: the width of the search for a new row's neighbours [default: 100]
    #[arg(long, value_name = "L")]
    pub(crate) build_width: Option<usize>,
    /// α of the prune: above 1 it keeps some longer edges [default: 1.1]
    #[arg(long, value_name = "A")]
    pub(crate) alpha: Option<f32>,
    /// The random seed: the same seed makes the same graph [default: 0]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
}

/// Parses the name of a backend. If it is not compiled in, the error says how to compile it.
fn backend(name: &str) -> Result<Backend, String> {
    match name {
        "mapped" => Ok(Backend::Mapped),
        #[cfg(feature = "rocksdb")]
        "rocksdb" => Ok(Backend::RocksDb),
        #[cfg(not(feature = "rocksdb"))]
        "rocksdb" => Err("this omendb is compiled without RocksDB; `cargo build --release -p omendb-cli --features \
                          rocksdb` compiles it in"
            .into()),
        _ => Err("expected mapped or rocksdb".into()),
    }
}

impl Shape {
    /// The engine's options for rows of `dim` numbers of type `kind`.
    pub(crate) fn options(&self, dim: usize, kind: ElementKind, with: &Use) -> Options {
        let mut options = Options::new(dim, self.metric)
            .row_type(self.row_type.unwrap_or(kind))
            .backend(self.backend)
            .threads(with.threads)
            .isa(with.isa);
        if let Some(degree) = self.degree {
            options = options.degree(degree);
        }
        if let Some(width) = self.build_width {
            options = options.build_width(width);
        }
        if let Some(alpha) = self.alpha {
            options = options.alpha(alpha);
        }
        if let Some(seed) = self.seed {
            options = options.seed(seed);
        }
        options
    }
}

impl Build {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        let place = self.place(&with)?;
        let (input, kind) = Input::open(&self.file, self.ids.as_deref())?.stored_as(self.shape.row_type)?;
        let bar = Bar::new(output);
        let options = self.shape.options(input.dim(), kind, &with).id_kind(input.id_kind()).progress(bar.listener());

        let start = Instant::now();
        let (stats, hash) = self.fill(&place.draft(), options, &input).map_err(|failure| place.renamed(failure))?;
        let seconds = start.elapsed().as_secs_f64();
        bar.clear();
        place.publish()?;

        let rate = input.count() as f64 / seconds;
        let hash = format!("{hash:016x}");
        output.pairs(&[
            ("database", self.db.display().to_string()),
            ("rows", format!("{} × {} {}", grouped(stats.count as u64), stats.dim, stats.row_type)),
            ("ids", stats.id_kind.to_string()),
            ("metric", stats.metric.to_string()),
            ("built in", format!("{seconds:.2} s, {} rows/s", rounded(rate))),
            ("on disk", bytes(stats.disk_bytes())),
            ("memory, peak", peak_bytes().map_or_else(|| "unknown".into(), bytes)),
            ("graph", hash.clone()),
        ])?;
        output.json(&json!({
            "db": self.db.display().to_string(),
            "rows": stats.count,
            "dim": stats.dim,
            "type": stats.row_type.to_string(),
            "metric": stats.metric.to_string(),
            "isa": stats.isa.to_string(),
            "threads": stats.threads,
            "seconds": seconds,
            "rows_per_second": rate,
            "peak_bytes": peak_bytes(),
            "disk_bytes": stats.disk_bytes(),
            "graph_hash": hash,
        }))?;
        Ok(Outcome::Done)
    }
}

impl Build {
    /// The place of the new database: a free one, or with `--force` that of a database.
    fn place(&self, with: &Use) -> Result<Place, Failure> {
        if !is_taken(&self.db) {
            return Place::free(&self.db);
        }
        if self.db.is_file() {
            return Err(Failure::about(
                &self.db,
                "found a file, expected a path for the database, which is the first argument",
            ));
        }
        if !self.force {
            return Err(Failure::about(
                &self.db,
                "the path exists (--force replaces a database; `omendb add` adds rows to one)",
            ));
        }
        replaceable(&self.db, with)?;
        Place::of_another(&self.db)
    }

    /// Makes the database in the folder `draft`, with all rows linked and a checkpoint.
    fn fill(&self, draft: &Path, options: Options, input: &Input) -> Result<(Stats, u64), Failure> {
        let db = Db::create(draft, options).map_err(|error| Failure::open(draft, error))?;
        let numbers: Ids;
        let ids = match input.ids() {
            Some(ids) => ids,
            None => {
                numbers = Ids::U64((0..input.count() as u64).collect());
                &numbers
            }
        };
        db.add_batch(ids_ref(ids), input.rows()).map_err(|error| input.refused(error))?;
        db.flush()?;
        db.checkpoint()?;
        let (stats, hash) = (db.stats(), db.graph_hash());
        db.close()?;
        Ok((stats, hash))
    }
}

/// Checks that the path is a database, intact or damaged.
fn replaceable(db: &Path, with: &Use) -> Result<(), Failure> {
    match Db::open_with(db, with.open_options()) {
        Ok(_) => Ok(()),
        Err(OpenError::Storage(
            error @ (StorageError::Locked { .. }
            | StorageError::NotADatabase { .. }
            | StorageError::Io { .. }
            | StorageError::NotFound { .. }),
        )) => Err(error.into()),
        Err(_) => Ok(()),
    }
}
