//! `omendb build`: a new database from a file, in one batch.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use omendb_engine::{Db, ElementKind, Metric, OpenError, Options, Stats, StorageError};
use omendb_formats::Ids;
use serde_json::json;

use crate::args::Global;
use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::input::{Input, ids_ref};
use crate::output::{Output, bytes, grouped, rounded};
use crate::peak::peak_bytes;
use crate::progress::Bar;

/// Make a new database from a file of rows, in one batch
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb build sift.omen sift.base.fbin
  omendb build notes.omen notes.npy --ids titles.txt --metric cosine
  omendb build notes.omen notes.jsonl --metric cosine --force

Without --ids, the rows' ids are those in the file (.jsonl), else 0, 1, 2, … The database appears
when it is whole: if anything in the file is refused, nothing is left behind, and with --force the
old database is still there.")]
pub(crate) struct Build {
    /// The database to make (a folder)
    db: PathBuf,
    /// The rows: .fvecs .bvecs .fbin .f16bin .bf16bin .u8bin .i8bin .npy or .jsonl
    file: PathBuf,
    /// A .txt file with one id a line, one for each row: all whole numbers, or texts
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    /// Replace a database that exists
    #[arg(long)]
    force: bool,
}

/// What a new database is.
#[derive(Debug, Args)]
pub(crate) struct Shape {
    /// How rows are compared: l2 (squared Euclidean), ip (inner product) or cosine
    #[arg(long, default_value = "l2")]
    pub(crate) metric: Metric,
    /// The type rows are stored in: f32, f16, bf16, u8 or i8 [default: as they come]
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) row_type: Option<ElementKind>,
    /// Where rows rest
    #[arg(long, value_enum, default_value_t = Medium::Mapped)]
    pub(crate) backend: Medium,
    /// R: neighbours a row has in the graph at most [default: 32]
    #[arg(long, value_name = "R")]
    pub(crate) degree: Option<usize>,
    /// L: width of the search for a new row's neighbours [default: 100]
    #[arg(long, value_name = "L")]
    pub(crate) build_width: Option<usize>,
    /// α: how much nearer a detour must be for an edge to be dropped [default: 1.2]
    #[arg(long, value_name = "A")]
    pub(crate) alpha: Option<f32>,
    /// Decides all that is random; the same seed makes the same graph
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
}

/// Where rows rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Medium {
    /// Mapped files of the library's own
    Mapped,
}

impl Shape {
    /// The engine's options for rows of `dim` numbers that come as `kind`.
    pub(crate) fn options(&self, dim: usize, kind: ElementKind, with: &Use) -> Options {
        let mut options =
            Options::new(dim, self.metric).row_type(self.row_type.unwrap_or(kind)).threads(with.threads).isa(with.isa);
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

    /// An empty database on the medium that was chosen.
    pub(crate) fn create(&self, path: &Path, options: Options) -> Result<Db, OpenError> {
        match self.backend {
            Medium::Mapped => Db::create(path, options),
        }
    }
}

impl Build {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        let place = Place::new(&self.db, self.force, &with)?;
        let input = Input::open(&self.file, self.ids.as_deref())?;
        let bar = Bar::new(output);
        let options =
            self.shape.options(input.dim(), input.kind(), &with).id_kind(input.id_kind()).progress(bar.listener());

        let start = Instant::now();
        let stats = self.fill(&place.draft(), options, &input).map_err(|failure| place.renamed(failure))?;
        let seconds = start.elapsed().as_secs_f64();
        bar.clear();
        place.publish()?;

        let rate = input.count() as f64 / seconds;
        let hash = format!("{:016x}", stats.graph.hash);
        output.pairs(&[
            ("database", self.db.display().to_string()),
            ("rows", format!("{} × {} {}", grouped(stats.count as u64), stats.dim, stats.row_type)),
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
    /// Makes the database in the folder `draft`, with all rows linked and saved.
    fn fill(&self, draft: &Path, options: Options, input: &Input) -> Result<Stats, Failure> {
        let db = self.shape.create(draft, options).map_err(|error| Failure::open(draft, error))?;
        let numbers: Ids;
        let ids = match input.ids() {
            Some(ids) => ids,
            None => {
                numbers = Ids::U64((0..input.count() as u64).collect());
                &numbers
            }
        };
        db.add_batch(ids_ref(ids), input.rows()).map_err(|error| Failure::batch(input.path(), error))?;
        db.flush()?;
        db.checkpoint()?;
        let stats = db.stats();
        db.close()?;
        Ok(stats)
    }
}

/// Where the new database goes: a hidden folder beside its place until it is whole.
struct Place {
    db: PathBuf,
    draft: tempfile::TempDir,
    replaces: bool,
}

impl Place {
    fn new(db: &Path, force: bool, with: &Use) -> Result<Self, Failure> {
        let replaces = match fs::symlink_metadata(db) {
            Err(_) => false,
            Ok(_) if !force => {
                return Err(Failure::about(
                    db,
                    "found something at this place, expected nothing (--force replaces a \
                     database; `omendb add` adds to one)",
                ));
            }
            Ok(_) => {
                replaceable(db, with)?;
                true
            }
        };
        let folder = match db.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let draft = tempfile::Builder::new()
            .prefix(".omendb-build-")
            .tempdir_in(folder)
            .map_err(|error| Failure::about(folder, format_args!("cannot write there: {error}")))?;
        Ok(Self { db: db.into(), draft, replaces })
    }

    fn draft(&self) -> PathBuf {
        self.draft.path().join("database")
    }

    /// A failure that names the place the user knows.
    fn renamed(&self, failure: Failure) -> Failure {
        let (draft, db) = (self.draft().display().to_string(), self.db.display().to_string());
        match failure {
            Failure::Refused(message) => Failure::Refused(message.replace(&draft, &db)),
            failure => failure,
        }
    }

    /// Puts the whole database in its place.
    fn publish(self) -> Result<(), Failure> {
        let error = |what, error: std::io::Error| Failure::about(&self.db, format_args!("cannot {what}: {error}"));
        if self.replaces {
            // Renaming moves the old one away whole; it is deleted with the draft's folder.
            fs::rename(&self.db, self.draft.path().join("replaced"))
                .map_err(|e| error("move the old database away", e))?;
        }
        fs::rename(self.draft(), &self.db).map_err(|e| error("move the new database there", e))
    }
}

/// Only a database is replaced, whole or damaged, and none that a process is writing to.
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
