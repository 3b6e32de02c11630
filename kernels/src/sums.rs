//! What can be added up over a query and a row, whatever they are made of: products,
//! squared differences, squares. One implementation a kind of arithmetic ([`Floats`],
//! [`Pairs`], [`Mixed`], [`Whole`], [`Bits`]); the metrics are written over this, the shapes over the metrics.

/// How a query and a row of one type are read: by one load, and one of a part.
macro_rules! one_type {
    ($load:expr, $part:expr) => {
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
        unsafe fn query_part(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q {
            // SAFETY: the caller's promise.
            unsafe { $part(s, p, n, back) }
        }
        #[inline(always)]
        unsafe fn row(s: S, p: *const Self::Row) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $load(s, p) }
        }
        #[inline(always)]
        unsafe fn row_part(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $part(s, p, n, back) }
        }
    };
}

/// Sums to which the query alone adds nothing.
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

/// Totals that are vectors of singles.
macro_rules! in_singles {
    () => {
        type Total = S::F;
        type Number = f32;

        #[inline(always)]
        fn numbers<const N: usize>(s: S, totals: [S::F; N]) -> [f32; N] {
            s.sums(totals)
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
        fn apart(q: f32, product: f32, x: f32) -> f32 {
            let apart = q - 2.0 * product + x;
            // Rounding may leave less than 0; what is no number stays so.
            if apart < 0.0 { 0.0 } else { apart }
        }
    };
}

/// Numbers that are whole, exact modulo 2³².
macro_rules! in_whole_numbers {
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
        fn apart(q: u32, product: u32, x: u32) -> u32 {
            q.wrapping_add(x).wrapping_sub(product.wrapping_mul(2))
        }
    };
}

/// Two sums of singles, which are one in the end.
#[cfg(target_arch = "x86_64")]
macro_rules! two_sums {
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

mod bits;
mod floats;
#[cfg(target_arch = "x86_64")]
mod mixed;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod whole;

pub(crate) use bits::Bits;
pub(crate) use floats::Floats;
#[cfg(target_arch = "x86_64")]
pub(crate) use mixed::Mixed;
#[cfg(target_arch = "x86_64")]
pub(crate) use pairs::Pairs;
pub(crate) use whole::Whole;

/// An arithmetic over queries of `Query` and rows of `Row` elements, on instruction set `S`.
pub(crate) trait Sums<S: Copy>: 'static {
    type Query: Copy + 'static;
    type Row: Copy + 'static;
    /// Elements of one step.
    const LANES: usize;
    /// Rows taken at a time.
    const ROWS: usize;
    /// Chains that each of them has in a group of four, where it is long: 1 or 2.
    const CHAINS: usize = 1;
    /// Whether a step reads all of its rows before it sums the first.
    const READ_FIRST: bool = false;
    /// Whether a part at a row's end may look back into the row; see `op::Load::load_part`.
    const BACK: bool = true;
    /// A step's elements of the query, of a row.
    type Q: Copy;
    type X: Copy;
    /// A running sum.
    type Sum: Copy;
    /// What the query alone adds to a sum, seen once a call. See `op::Bytes`.
    type Seed: Copy;
    /// A sum with its seed, spread over lanes.
    type Total: Copy;
    /// The same in one number, before it is rounded.
    type Number: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> S;
    /// # Safety
    /// As `op::Load::load`.
    unsafe fn query(s: S, p: *const Self::Query) -> Self::Q;
    /// # Safety
    /// As `op::Load::load_part`.
    unsafe fn query_part(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q;
    /// # Safety
    /// As `op::Load::at`.
    #[inline(always)]
    unsafe fn at(row: *const Self::Row, i: usize) -> *const Self::Row {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }
    /// # Safety
    /// As `op::Load::load`.
    unsafe fn row(s: S, p: *const Self::Row) -> Self::X;
    /// # Safety
    /// As `op::Load::load_part`.
    unsafe fn row_part(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X;

    fn zero(s: S) -> Self::Sum;
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    fn no_seed(s: S) -> Self::Seed;
    fn add_seeds(s: S, a: Self::Seed, b: Self::Seed) -> Self::Seed;

    fn dot(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    /// As `dot`, where rows are fetched ahead.
    #[inline(always)]
    fn dot_ahead(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum {
        Self::dot(s, sum, q, x)
    }
    fn dot_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    fn dot_total(s: S, seed: Self::Seed, sum: Self::Sum) -> Self::Total;
    fn diff(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    fn diff_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    /// As `diff`, with no need of a seed.
    #[inline(always)]
    fn diff_once(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum {
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

    /// The lanes of each, added up.
    fn numbers<const N: usize>(s: S, totals: [Self::Total; N]) -> [Self::Number; N];
    /// A sum with the part of it that its seed is.
    #[inline(always)]
    fn with_seed(number: Self::Number, seed: Self::Number) -> Self::Number {
        let _ = seed;
        number
    }
    /// Rounded once.
    #[inline(always)]
    fn signed(number: Self::Number) -> f32 {
        Self::unsigned(number)
    }
    /// The same for a sum that is never negative.
    fn unsigned(number: Self::Number) -> f32;
    /// The number with these bits.
    fn number(bits: u32) -> Self::Number;
    /// `Σ (q − x)²` of `Σ q²`, `Σ q·x` and `Σ x²`.
    fn apart(q: Self::Number, product: Self::Number, x: Self::Number) -> Self::Number;
}
