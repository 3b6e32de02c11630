//! Chooses the distance kernel for a metric and the types of query and row.

use omendb_kernels::{ElementKind, Isa, KernelError, Metric, RowDistance, RowTable};

use crate::input::query::Probe;

/// What a distance is made of beside the kernel's, with a number of the query and one of each row.
#[derive(Clone, Copy, PartialEq)]
enum Finish {
    /// Nothing.
    None,
    /// Inverse lengths: 1 − x·y / (|x| |y|).
    Cosine,
    /// What they add up to: inner products from another origin (see `centroid`).
    Centred,
}

/// Distances between a probe and rows, in one metric.
#[derive(Clone)]
pub(crate) struct Measure {
    /// f32 probe, stored rows.
    float: RowDistance,
    /// Probe and rows both in the stored integer type.
    whole: Option<RowDistance>,
    /// What becomes of the kernel's inner products.
    finish: Finish,
    row: ElementKind,
    dim: usize,
}

impl Measure {
    /// What `metric` is on rows of `row` numbers.
    pub(crate) fn new(metric: Metric, row: ElementKind, dim: usize, isa: Isa) -> Result<Self, KernelError> {
        let finish = if metric == Metric::Cosine { Finish::Cosine } else { Finish::None };
        let kernel = if metric == Metric::Cosine { Metric::InnerProduct } else { metric };
        let whole = matches!(row, ElementKind::U8 | ElementKind::I8);
        Ok(Measure {
            float: RowDistance::with_isa(kernel, ElementKind::F32, row, dim, isa)?,
            whole: whole.then(|| RowDistance::with_isa(kernel, row, row, dim, isa)).transpose()?,
            finish,
            row,
            dim,
        })
    }

    /// Inner products from the centre of the rows, whose products with it stand beside the rows.
    pub(crate) fn centred(&self) -> Self {
        Measure { finish: Finish::Centred, ..self.clone() }
    }

    /// The type in which a row asks: its own if that is integer, otherwise f32.
    pub(crate) fn probe_kind(&self) -> ElementKind {
        if self.whole.is_some() { self.row } else { ElementKind::F32 }
    }

    pub(crate) fn row(&self) -> ElementKind {
        self.row
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    fn is_cosine(&self) -> bool {
        self.finish == Finish::Cosine
    }

    /// Whether a number beside each row is part of the distance.
    pub(crate) fn has_norms(&self) -> bool {
        self.finish != Finish::None
    }

    pub(crate) fn isa(&self) -> Isa {
        self.float.isa()
    }

    fn kernel(&self, probe: &Probe) -> &RowDistance {
        match &self.whole {
            Some(whole) if probe.kind() == self.row => whole,
            _ => &self.float,
        }
    }

    /// Distances to rows of a table.
    #[inline]
    pub(crate) fn picked(&self, probe: &Probe, table: &RowTable<'_>, rows: &[u32], out: &mut [f32]) {
        let done = self.kernel(probe).picked(probe.bytes(), table, rows, out);
        done.expect("probe and rows have the database's dimension, and the table has the rows");
    }

    /// Distances of rows of a table from others; `f32_values` is memory to be used.
    pub(crate) fn between(
        &self,
        table: &RowTable<'_>,
        queries: &[u32],
        rows: &[u32],
        f32_values: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let done = self.float.between(table, queries, rows, f32_values, out);
        done.expect("the table has the rows, of the database's dimension");
    }

    /// Distances to rows that lie `stride` bytes apart.
    pub(crate) fn scan(&self, probe: &Probe, rows: &[u8], stride: usize, out: &mut [f32]) {
        let done = self.kernel(probe).scan(probe.bytes(), rows, stride, out);
        done.expect("probe and rows have the database's dimension");
    }

    /// Turns the kernel's inner products of a query with rows into what is measured, by the numbers that stand beside
    /// the query and each row.
    #[inline]
    pub(crate) fn finish(&self, query: f32, rows: impl Iterator<Item = f32>, out: &mut [f32]) {
        match self.finish {
            Finish::None => {}
            Finish::Cosine => rows.zip(out).for_each(|(row, out)| *out = 1.0 + *out * query * row),
            Finish::Centred => rows.zip(out).for_each(|(row, out)| *out += query + row),
        }
    }

    /// The distance in f64, for exact answers.
    pub(crate) fn exact(&self, probe: &Probe, row: &[u8]) -> f64 {
        let kernel = self.kernel(probe);
        let distance = |x: &RowDistance, a: &[u8], b: &[u8]| x.exact(a, b).expect("the database's dimension");
        let product = distance(kernel, probe.bytes(), row);
        if !self.is_cosine() {
            return product;
        }
        let mut values = Vec::new();
        crate::input::values::read(self.row, row, &mut values);
        let row_length = crate::input::values::squared_length(&values).sqrt();
        values.clear();
        crate::input::values::read(probe.kind(), probe.bytes(), &mut values);
        let probe_length = crate::input::values::squared_length(&values).sqrt();
        1.0 + product / (row_length * probe_length)
    }
}
