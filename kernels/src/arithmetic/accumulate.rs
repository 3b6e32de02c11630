//! What a kind of arithmetic offers: accumulators of products, squared differences and squares of a query and a row.
//!
//! `metric_sums` is written over it, and the loops over `metric_sums`.

/// How a query and a row of one type are read: by one load, and one for a tail.
macro_rules! same_type {
    ($load:expr, $tail:expr) => {
        #[inline(always)]
        unsafe fn token() -> S {
            // SAFETY: the caller's promise.
            unsafe { S::token() }
        }
        #[inline(always)]
        unsafe fn query(s: S, p: *const Self::Query) -> Self::Q {
            // SAFETY: the caller's promise.
            unsafe { $load(s, p) }
        }
        #[inline(always)]
        unsafe fn query_tail(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q {
            // SAFETY: the caller's promise.
            unsafe { $tail(s, p, n, back) }
        }
        #[inline(always)]
        unsafe fn row(s: S, p: *const Self::Row) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $load(s, p) }
        }
        #[inline(always)]
        unsafe fn row_tail(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $tail(s, p, n, back) }
        }
    };
}

/// Sums without a contribution of the query alone.
macro_rules! seedless {
    () => {
        type Seed = ();

        #[inline(always)]
        fn no_seed(_: S) {}
        #[inline(always)]
        fn add_seeds(_: S, (): (), (): ()) {}
        #[inline(always)]
        fn dot_seed(_: S, (): (), _: Self::Q) {}
        #[inline(always)]
        fn diff_seed(_: S, (): (), _: Self::Q) {}
    };
}

/// Totals that are vectors of `f32`.
macro_rules! in_f32 {
    () => {
        type Total = S::F;
        type Number = f32;

        #[inline(always)]
        fn lane_sums<const N: usize>(s: S, totals: [S::F; N]) -> [f32; N] {
            s.lane_sums(totals)
        }
        #[inline(always)]
        fn unsigned(number: f32) -> f32 {
            number
        }
        #[inline(always)]
        fn number(bits: u32) -> f32 {
            f32::from_bits(bits)
        }
        #[inline(always)]
        fn squared_distance(q: f32, product: f32, x: f32) -> f32 {
            let squared = q - 2.0 * product + x;
            // Rounding may leave less than 0. NaN stays NaN.
            if squared < 0.0 { 0.0 } else { squared }
        }
    };
}

/// Totals that are integers, exact modulo 2³².
macro_rules! in_integers {
    () => {
        type Number = u32;

        #[inline(always)]
        fn unsigned(number: u32) -> f32 {
            number as f32
        }
        #[inline(always)]
        fn number(bits: u32) -> u32 {
            bits
        }
        #[inline(always)]
        fn squared_distance(q: u32, product: u32, x: u32) -> u32 {
            q.wrapping_add(x).wrapping_sub(product.wrapping_mul(2))
        }
    };
}

/// Two accumulators of `f32`, which the total joins.
#[cfg(target_arch = "x86_64")]
macro_rules! two_accumulators {
    () => {
        #[inline(always)]
        fn zero(s: S) -> [S::F; 2] {
            [s.zero(); 2]
        }
        #[inline(always)]
        fn add(s: S, a: [S::F; 2], b: [S::F; 2]) -> [S::F; 2] {
            [s.add(a[0], b[0]), s.add(a[1], b[1])]
        }
        #[inline(always)]
        fn dot_total(s: S, (): (), sum: [S::F; 2]) -> S::F {
            s.add(sum[0], sum[1])
        }
        #[inline(always)]
        fn norm_total(s: S, sum: [S::F; 2]) -> S::F {
            s.add(sum[0], sum[1])
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) use two_accumulators;
pub(crate) use {in_f32, in_integers, same_type, seedless};

/// An arithmetic over queries of `Query` and rows of `Row` elements, on instruction set `S`.
pub(crate) trait Accumulate<S: Copy>: 'static {
    type Query: Copy + 'static;
    type Row: Copy + 'static;
    /// Elements of one step.
    const LANES: usize;
    /// Rows taken at a time.
    const ROWS: usize;
    /// Accumulators of each long row in a group of four: 1 or 2.
    const ACCUMULATORS: usize = 1;
    /// Whether a step loads all of its rows before it sums the first (docs/experiments/027-read-first.md).
    const READ_FIRST: bool = false;
    /// Whether the load of a tail may look back into the row; see `Load::load_tail`.
    const BACK: bool = true;
    /// The elements of one step, of the query and of a row.
    type Q: Copy;
    type X: Copy;
    /// An accumulator.
    type Sum: Copy;
    /// What the query alone adds to a sum, computed once a call. See `Bytes`.
    type Seed: Copy;
    /// A sum with its seed, spread over lanes.
    type Total: Copy;
    /// The total as one number, before it is rounded.
    type Number: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> S;
    /// # Safety
    /// As `Load::load`.
    unsafe fn query(s: S, p: *const Self::Query) -> Self::Q;
    /// # Safety
    /// As `Load::load_tail`.
    unsafe fn query_tail(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q;
    /// # Safety
    /// As `Load::at`.
    #[inline(always)]
    unsafe fn at(row: *const Self::Row, i: usize) -> *const Self::Row {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }
    /// # Safety
    /// As `Load::load`.
    unsafe fn row(s: S, p: *const Self::Row) -> Self::X;
    /// # Safety
    /// As `Load::load_tail`.
    unsafe fn row_tail(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X;

    fn zero(s: S) -> Self::Sum;
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    fn no_seed(s: S) -> Self::Seed;
    fn add_seeds(s: S, a: Self::Seed, b: Self::Seed) -> Self::Seed;

    fn dot(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    /// As `dot`, where rows are prefetched.
    #[inline(always)]
    fn dot_prefetching(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum {
        Self::dot(s, sum, q, x)
    }
    fn dot_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    fn dot_total(s: S, seed: Self::Seed, sum: Self::Sum) -> Self::Total;
    fn diff(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    fn diff_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    /// As `diff`, without a seed.
    #[inline(always)]
    fn diff_pair(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum {
        Self::diff(s, sum, q, x)
    }
    #[inline(always)]
    fn diff_total(s: S, seed: Self::Seed, sum: Self::Sum) -> Self::Total {
        Self::dot_total(s, seed, sum)
    }
    /// `Σ x²` of rows, `Σ q²` of queries.
    fn norm(s: S, sum: Self::Sum, x: Self::X) -> Self::Sum;
    fn query_norm(s: S, sum: Self::Sum, q: Self::Q) -> Self::Sum;
    /// `dot` and `norm` at once.
    #[inline(always)]
    fn dot_and_norm(s: S, (dot, norm): (Self::Sum, Self::Sum), q: Self::Q, x: Self::X) -> (Self::Sum, Self::Sum) {
        (Self::dot(s, dot, q, x), Self::norm(s, norm, x))
    }
    fn norm_total(s: S, sum: Self::Sum) -> Self::Total;

    /// The sum of each total's lanes.
    fn lane_sums<const N: usize>(s: S, totals: [Self::Total; N]) -> [Self::Number; N];
    /// A sum, with the contribution of its seed.
    #[inline(always)]
    fn with_seed(number: Self::Number, seed: Self::Number) -> Self::Number {
        let _ = seed;
        number
    }
    /// As `f32`, rounded once.
    #[inline(always)]
    fn signed(number: Self::Number) -> f32 {
        Self::unsigned(number)
    }
    /// The same for a sum that is never negative.
    fn unsigned(number: Self::Number) -> f32;
    /// The number with these bits.
    fn number(bits: u32) -> Self::Number;
    /// `Σ (q − x)²` from `Σ q²`, `Σ q·x` and `Σ x²`.
    fn squared_distance(q: Self::Number, product: Self::Number, x: Self::Number) -> Self::Number;
}
