//! One cell: a metric, a pair of element types, a dimension and a place; all shapes of ours
//! and all peers, timed in turn and compared with the oracle.

use crate::clock::{Contender, race};
use crate::rows::{Parts, Place, Rows, Sample};
use omendb_kernels::ElementKind::{Bf16, F16, F32, I8, U8};
use omendb_kernels::{Distance, Element, ElementKind, Isa, Metric, RowTable, bf16, f16, limits, oracle};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// The pairs of element types there are kernels for.
pub(crate) const TYPES: [(ElementKind, ElementKind); 9] =
    [(F32, F32), (F16, F16), (Bf16, Bf16), (U8, U8), (I8, I8), (F32, F16), (F32, Bf16), (F32, U8), (F32, I8)];

pub(crate) struct Settings {
    pub(crate) isa: Isa,
    /// Times the whole list of cells is gone through.
    pub(crate) passes: usize,
    pub(crate) rounds: usize,
    pub(crate) turn: Duration,
    /// The processor, the instruction set and the commit.
    pub(crate) origin: String,
}

impl Settings {
    /// Times the contenders, the first of which only loads: its nanoseconds, and the others'
    /// beside their errors.
    pub(crate) fn entries(
        &self,
        place: Place,
        mut contenders: Vec<Contender<'_>>,
        errors: &[Option<f64>],
    ) -> (f64, Vec<Entry>) {
        let (rounds, turn) = match place {
            Place::Dram => (3, Duration::from_millis(1)),
            _ => (self.rounds, self.turn),
        };
        let times = race(&mut contenders, rounds, turn);
        let results = contenders.iter().zip(&times).zip(errors).skip(1);
        let entries =
            results.map(|((contender, &ns), &error)| Entry { name: contender.name.to_owned(), ns, error }).collect();
        (times[0], entries)
    }
}

/// A contender's result.
#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) ns: f64,
    /// The largest error over the rows looked at, relative to the size of what is summed;
    /// `None` for what computes nothing.
    pub(crate) error: Option<f64>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Cell {
    /// The processor, the instruction set and the commit.
    pub(crate) origin: String,
    pub(crate) place: Place,
    pub(crate) metric: String,
    /// Those of query and row, as in `f32×u8`.
    pub(crate) types: String,
    pub(crate) dim: usize,
    pub(crate) row_bytes: usize,
    pub(crate) entries: Vec<Entry>,
    /// Least nanoseconds a row's loads take, and its multiplications in registers.
    pub(crate) load_ns: f64,
    pub(crate) multiply_ns: f64,
}

impl Cell {
    pub(crate) fn label(&self) -> String {
        format!("{} {} {} {}", self.place.name(), self.types, self.metric, self.dim)
    }

    /// The cells that a run wrote with `--json`.
    pub(crate) fn read(path: &Path) -> Result<Vec<Self>, String> {
        let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        serde_json::from_str(&std::fs::read_to_string(path).map_err(|e| failed(&e))?).map_err(|e| failed(&e))
    }

    /// The lesser of each time here and in another measurement of the same cell.
    pub(crate) fn keep_least(&mut self, other: &Self) {
        self.load_ns = self.load_ns.min(other.load_ns);
        self.multiply_ns = self.multiply_ns.min(other.multiply_ns);
        for (mine, theirs) in self.entries.iter_mut().zip(&other.entries) {
            mine.ns = mine.ns.min(theirs.ns);
        }
    }

    /// What a distance cannot take less than.
    pub(crate) fn limit_ns(&self) -> f64 {
        self.load_ns.max(self.multiply_ns)
    }

    pub(crate) fn ns(&self, name: &str) -> Option<f64> {
        self.entries.iter().find(|e| e.name == name).map(|e| e.ns)
    }
}

pub(crate) fn measure(
    settings: &Settings,
    place: Place,
    metric: Metric,
    query: ElementKind,
    row: ElementKind,
    dim: usize,
) -> Result<Cell, String> {
    let case = Case { settings, place, metric, dim };
    match (query, row) {
        (F32, F32) => case.same::<f32>(),
        (F16, F16) => case.same::<f16>(),
        (Bf16, Bf16) => case.same::<bf16>(),
        (U8, U8) => case.same::<u8>(),
        (I8, I8) => case.same::<i8>(),
        (F32, F16) => case.mixed::<f16>(),
        (F32, Bf16) => case.mixed::<bf16>(),
        (F32, U8) => case.mixed::<u8>(),
        (F32, I8) => case.mixed::<i8>(),
        _ => Err(format!("no kernel takes {query} queries to {row} rows")),
    }
}

struct Case<'a> {
    settings: &'a Settings,
    place: Place,
    metric: Metric,
    dim: usize,
}

/// The largest error; NaN is the largest.
pub(crate) fn worst(errors: impl Iterator<Item = f64>) -> f64 {
    errors.map(|error| if error.is_nan() { f64::INFINITY } else { error }).fold(0.0, f64::max)
}

/// How many rows a call of the gathered shape takes: about a vertex's unseen neighbours.
pub(crate) const GROUP: usize = 32;

/// The fewest that are compared with one another at a time.
const EIGHT: usize = 8;

/// The rows in the order they are visited in, and how many before the clock is read: of those in memory a part, and
/// so many parts that no cache holds what was visited when it comes again.
pub(crate) fn order<T: Sample>(place: Place, rows: &Rows<T>) -> (Vec<usize>, usize) {
    let (parts, visits) = match place {
        Place::L1 => (1, rows.len().next_multiple_of(GROUP).max(128)),
        Place::L2 => (1, rows.len().next_multiple_of(GROUP)),
        Place::Dram => (32, 32_768),
    };
    (rows.order(parts * visits), visits)
}

impl Case<'_> {
    fn same<T: Sample + Peers>(&self) -> Result<Cell, String> {
        let rows = Rows::<T>::new(self.place, self.dim, 1);
        let (order, visits) = order(self.place, &rows);
        let query = Rows::<T>::close_to(rows.row(order[0]), 2);
        T::with_peers(self.metric, self.dim, &query, &rows, &order, &mut |peers| {
            self.finish(&query, &rows, (&order, visits), peers)
        })
    }

    fn mixed<R: Sample + Peers>(&self) -> Result<Cell, String> {
        let rows = Rows::<R>::new(self.place, self.dim, 1);
        let (order, visits) = order(self.place, &rows);
        let query = Rows::beside(rows.row(order[0]), 2);
        let peers = R::for_f32(self.metric, self.dim, &query, &rows, &order);
        self.finish(&query, &rows, (&order, visits), peers)
    }

    fn finish<Q: Sample, R: Sample>(
        &self,
        query: &Rows<Q>,
        rows: &Rows<R>,
        (order, visits): (&[usize], usize),
        peers: Vec<(Contender<'_>, f64)>,
    ) -> Result<Cell, String> {
        let refused = |e: omendb_kernels::KernelError| e.to_string();
        let (metric, dim, isa) = (self.metric, self.dim, self.settings.isa);
        let distance = Distance::<Q, R>::with_isa(metric, dim, isa).map_err(refused)?;
        let bytes = *distance.bytes();
        let list = rows.list(order);
        let views: Vec<&[u8]> = list.iter().map(|r| bytemuck::cast_slice(r)).collect();
        let q = query.row(0);
        let q_bytes: &[u8] = bytemuck::cast_slice(q);
        let (flat, stride) = rows.flat();
        let flat: &[u8] = bytemuck::cast_slice(flat);
        let table = RowTable::new(vec![flat], stride * size_of::<R>()).map_err(refused)?;
        let numbers: Vec<u32> = order.iter().map(|&row| row as u32).collect();
        let (mut near, mut eight, mut ahead, mut picked) = ([0.0; GROUP], [0.0; EIGHT], [0.0; GROUP], [0.0; GROUP]);
        let mut scanned = vec![0.0; rows.len()];

        let error = |got: &[f32], rows: &[&[R]]| -> Option<f64> {
            let errors = got.iter().zip(rows).map(|(&got, row)| {
                let exact = oracle::exact(metric, q, row);
                (f64::from(got) - exact.distance).abs() / exact.scale
            });
            Some(worst(errors))
        };
        let mut got = vec![0.0; list.len().min(64)];
        for (got, row) in got.iter_mut().zip(&list) {
            *got = distance.pair(q, row).map_err(refused)?;
        }
        let mut errors = vec![None, error(&got, &list)];
        bytes.gathered_near(q_bytes, &views[..got.len()], &mut got).map_err(refused)?;
        errors.push(error(&got, &list));
        for (eight, got) in views.chunks_exact(EIGHT).zip(got.chunks_exact_mut(EIGHT)) {
            bytes.gathered_near(q_bytes, eight, got).map_err(refused)?;
        }
        errors.push(error(&got, &list));
        bytes.gathered(q_bytes, &views[..got.len()], &mut got).map_err(refused)?;
        errors.push(error(&got, &list));
        bytes.picked(q_bytes, &table, &numbers[..got.len()], &mut got).map_err(refused)?;
        errors.push(error(&got, &list));

        let (rows_of, views_of, numbers_of) =
            (Parts::new(&list, visits), Parts::new(&views, visits), Parts::new(&numbers, visits));
        let (mut loads, mut pairs) = (views_of, rows_of);
        let (mut nears, mut eights, mut aheads, mut picks) = (views_of, views_of, views_of, numbers_of);
        let mut contenders = vec![
            Contender::new("load", visits, move || limits::load(isa, loads.next()).unwrap_or(0.0)),
            Contender::new("pair", visits, move || {
                // In registers, as a loop of a user's has it.
                let (distance, q) = (distance, q);
                pairs.next().iter().map(|row| distance.pair(q, row).unwrap_or(0.0)).sum()
            }),
            Contender::new("gathered", visits, || {
                for group in nears.next().chunks_exact(GROUP) {
                    black_box(bytes.gathered_near(q_bytes, group, &mut near)).ok();
                }
                near[0]
            }),
            Contender::new("by 8", visits, || {
                for group in eights.next().chunks_exact(EIGHT) {
                    black_box(bytes.gathered_near(q_bytes, group, &mut eight)).ok();
                }
                eight[0]
            }),
            Contender::new("ahead", visits, || {
                for group in aheads.next().chunks_exact(GROUP) {
                    black_box(bytes.gathered(q_bytes, group, &mut ahead)).ok();
                }
                ahead[0]
            }),
            Contender::new("picked", visits, || {
                for group in picks.next().chunks_exact(GROUP) {
                    black_box(bytes.picked(q_bytes, &table, group, &mut picked)).ok();
                }
                picked[0]
            }),
        ];
        if self.place != Place::Dram {
            got.truncate(rows.len());
            bytes.scan(q_bytes, flat, stride * size_of::<R>(), &mut got).map_err(refused)?;
            errors.push(error(&got, &(0..got.len()).map(|i| rows.row(i)).collect::<Vec<_>>()));
            contenders.push(Contender::new("scan", rows.len(), || {
                black_box(bytes.scan(q_bytes, flat, stride * size_of::<R>(), &mut scanned)).ok();
                scanned[0]
            }));
        }
        for (peer, error) in peers {
            contenders.push(peer);
            errors.push(Some(error));
        }
        let (load_ns, entries) = self.settings.entries(self.place, contenders, &errors);
        let multiply = multiply_ns(self.settings, dim, R::KIND, Q::KIND);
        Ok(Cell {
            origin: self.settings.origin.clone(),
            place: self.place,
            metric: metric.to_string(),
            types: format!("{}×{}", Q::KIND, R::KIND),
            dim,
            row_bytes: dim * size_of::<R>(),
            entries,
            load_ns,
            multiply_ns: multiply,
        })
    }
}

/// The time of the multiplications of one row alone: one per vector of f32, or of as many products as an instruction
/// computes.
pub(crate) fn multiply_ns(settings: &Settings, dim: usize, row: ElementKind, query: ElementKind) -> f64 {
    let steps = 60_000;
    let lanes = limits::multiply_add(settings.isa, 0).map_or(1, |(lanes, _)| lanes);
    let mut loops =
        [Contender::new("multiply", steps, || limits::multiply_add(settings.isa, steps).map_or(0.0, |(_, sum)| sum))];
    let a_step = race(&mut loops, settings.rounds.min(5), settings.turn)[0];
    a_step * dim as f64 / (lanes * products(settings.isa, row, query)) as f64
}

/// Products that an instruction makes of numbers of one type in a lane of 32 bits.
fn products(isa: Isa, row: ElementKind, query: ElementKind) -> usize {
    match (query, isa) {
        _ if query != row => 1,
        (U8 | I8, Isa::Avx2Vnni | Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16 | Isa::NeonDotprod) => 4,
        (U8 | I8, _) | (Bf16, Isa::Avx512Bf16) => 2,
        _ => 1,
    }
}

/// What receives a cell's peers and their errors.
type Receiver<'a, 'b> = &'a mut dyn FnMut(Vec<(Contender<'_>, f64)>) -> Result<Cell, String>;

/// Other libraries' kernels for rows of a type.
pub(crate) trait Peers: Element {
    fn with_peers(
        metric: Metric,
        dim: usize,
        query: &Rows<Self>,
        rows: &Rows<Self>,
        order: &[usize],
        then: Receiver<'_, '_>,
    ) -> Result<Cell, String>;

    /// The kernels for f32 queries and these rows, with their errors.
    fn for_f32<'a>(
        _metric: Metric,
        _dim: usize,
        _query: &'a Rows<f32>,
        _rows: &'a Rows<Self>,
        _order: &[usize],
    ) -> Vec<(Contender<'a>, f64)> {
        Vec::new()
    }
}

#[cfg(not(feature = "peers"))]
impl<T: Element> Peers for T {
    fn with_peers(
        _: Metric,
        _: usize,
        _: &Rows<Self>,
        _: &Rows<Self>,
        _: &[usize],
        then: Receiver<'_, '_>,
    ) -> Result<Cell, String> {
        then(Vec::new())
    }
}

#[cfg(feature = "peers")]
#[path = "peers.rs"]
mod peers;
