//! What a database is: fixed when it is made, and written in it.

use std::str::FromStr;

use omendb_graph::BuildOptions;
use omendb_kernels::{ElementKind, MAX_DIM, Metric};
use omendb_storage::{IdKind, Schema};
use serde::{Deserialize, Serialize};

use crate::{Backend, OpenError};

/// What a database is: all that [`Options`](crate::Options) fix when it is made. It is written in the database.
///
/// How a process uses the database is not part of it: see [`OpenOptions`](crate::OpenOptions). [`Db::config`](crate::Db::config)
/// returns it, and [`Db::create`](crate::Db::create) makes a database of the same kind of it.
///
/// ```
/// use omendb_engine::{Db, ElementKind, Metric, Options};
///
/// # let folder = tempfile::tempdir()?;
/// let old = Db::create(folder.path().join("old.omen"), Options::new(3, Metric::L2).row_type(ElementKind::U8))?;
/// let new = Db::create(folder.path().join("new.omen"), old.config())?;
/// assert_eq!(new.config(), old.config());
/// // With options for this process:
/// let third = Db::create(folder.path().join("third.omen"), Options::from(old.config()).threads(1))?;
/// assert_eq!(third.config().row_type(), ElementKind::U8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub(crate) dim: usize,
    pub(crate) metric: Metric,
    pub(crate) row_type: ElementKind,
    pub(crate) id_kind: IdKind,
    pub(crate) degree: usize,
    pub(crate) build: BuildOptions,
    pub(crate) buffer_rows: usize,
    pub(crate) backend: Backend,
}

impl Config {
    /// The defaults for rows of `dim` numbers, compared by `metric`.
    pub(crate) fn new(dim: usize, metric: Metric) -> Self {
        Self {
            dim,
            metric,
            row_type: ElementKind::F32,
            id_kind: IdKind::U64,
            degree: 32,
            build: BuildOptions::default(),
            buffer_rows: 1000,
            backend: Backend::default(),
        }
    }

    /// The numbers of a row, 1 to 65,536.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How rows are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The type that rows are stored in.
    pub fn row_type(&self) -> ElementKind {
        self.row_type
    }

    /// The kind of ids.
    pub fn id_kind(&self) -> IdKind {
        self.id_kind
    }

    /// R, the most neighbours of a row in the graph.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// L, the width of the search for a new row's neighbours.
    pub fn build_width(&self) -> usize {
        self.build.build_width
    }

    /// α of the prune.
    pub fn alpha(&self) -> f32 {
        self.build.alpha
    }

    /// The seed of everything random.
    pub fn seed(&self) -> u64 {
        self.build.seed
    }

    /// How many rows may wait in the buffer before they are linked.
    pub fn buffer_rows(&self) -> usize {
        self.buffer_rows
    }

    /// The backend. For a database in memory, the one of a database in a folder that is made of its configuration.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.dim * self.row_type.size()
    }

    /// Every option inside its range.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let wrong = |name, found: &dyn ToString, expected: &str| {
            Err(OpenError::Option { name, found: found.to_string(), expected: expected.to_owned() })
        };
        let (least, most) = (omendb_graph::MIN_DEGREE, omendb_graph::MAX_DEGREE);
        let build = &self.build;
        match () {
            () if !(1..=MAX_DIM).contains(&self.dim) => wrong("dim", &self.dim, &format!("1 to {MAX_DIM}")),
            () if !(least..=most).contains(&self.degree) => {
                wrong("degree", &self.degree, &format!("{least} to {most}"))
            }
            () if !(1..=100_000).contains(&build.build_width) => {
                wrong("build_width", &build.build_width, "1 to 100,000")
            }
            () if !(1.0..=10.0).contains(&build.alpha) => wrong("alpha", &build.alpha, "1 to 10"),
            () => Ok(()),
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        let description = Description {
            dim: self.dim,
            metric: self.metric.to_string(),
            row_type: self.row_type.to_string(),
            degree: self.degree,
            build_width: self.build.build_width,
            alpha: self.build.alpha,
            seed: self.build.seed,
            buffer_rows: self.buffer_rows,
        };
        Schema {
            row_bytes: self.row_bytes(),
            ids: self.id_kind,
            user: serde_json::to_vec(&description).expect("numbers and strings become JSON"),
        }
    }

    /// The configuration that [`Config::schema`] wrote.
    pub(crate) fn from_schema(schema: &Schema, backend: Backend) -> Result<Self, OpenError> {
        let unknown = |what: String| OpenError::Description { what };
        let description: Description =
            serde_json::from_slice(&schema.user).map_err(|error| unknown(error.to_string()))?;
        let config = Self {
            dim: description.dim,
            metric: Metric::from_str(&description.metric).map_err(|error| unknown(error.to_string()))?,
            row_type: ElementKind::from_str(&description.row_type).map_err(|error| unknown(error.to_string()))?,
            id_kind: schema.ids,
            degree: description.degree,
            build: BuildOptions {
                build_width: description.build_width,
                alpha: description.alpha,
                seed: description.seed,
            },
            buffer_rows: description.buffer_rows,
            backend,
        };
        config.check()?;
        if config.row_bytes() != schema.row_bytes {
            let what = format!(
                "rows of {} bytes, {} values of {} have {}",
                schema.row_bytes,
                config.dim,
                config.row_type,
                config.row_bytes()
            );
            return Err(unknown(what));
        }
        Ok(config)
    }
}

/// What the medium keeps of the configuration, as JSON. The schema has the kind of ids; the files show the backend.
#[derive(Serialize, Deserialize)]
struct Description {
    dim: usize,
    metric: String,
    row_type: String,
    degree: usize,
    build_width: usize,
    alpha: f32,
    seed: u64,
    buffer_rows: usize,
}
