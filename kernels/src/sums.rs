//! What can be added up over a query and a row, whatever they are made of: products,
//! squared differences, squares. One implementation a kind of arithmetic ([`Floats`],
//! [`Pairs`], [`Whole`], [`Bits`]); the metrics are written over this, the shapes over the metrics.

use crate::element::Element;
use crate::op::{Brains, Bytes, Count, Load};
use core::marker::PhantomData;
use half::bf16;

/// An arithmetic over queries of `Query` and rows of `Row` elements, on instruction set `S`.
pub(crate) trait Sums<S: Copy>: 'static {
    type Query: Copy + 'static;
    type Row: Copy + 'static;
    /// Elements of one step.
    const LANES: usize;
    /// Rows taken at a time.
    const ROWS: usize;
    /// Whether a part at a row's end may look back into the row; see [`Load::load_part`].
    const BACK: bool = true;
    /// A step's elements of the query, of a row.
    type Q: Copy;
    type X: Copy;
    /// A running sum.
    type Sum: Copy;
    /// What the query alone adds to a sum, seen once a call. See [`Bytes`].
    type Seed: Copy;
    /// A sum with its seed, spread over lanes.
    type Total: Copy;
    /// The same in one number, before it is rounded.
    type Number: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> S;
    /// # Safety
    /// As [`Load::load`].
    unsafe fn query(s: S, p: *const Self::Query) -> Self::Q;
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn query_part(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q;
    /// # Safety
    /// As [`Load::at`].
    #[inline(always)]
    unsafe fn at(row: *const Self::Row, i: usize) -> *const Self::Row {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }
    /// # Safety
    /// As [`Load::load`].
    unsafe fn row(s: S, p: *const Self::Row) -> Self::X;
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn row_part(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X;

    fn zero(s: S) -> Self::Sum;
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    fn no_seed(s: S) -> Self::Seed;
    fn add_seeds(s: S, a: Self::Seed, b: Self::Seed) -> Self::Seed;

    fn dot(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    fn dot_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    fn dot_total(s: S, seed: Self::Seed, sum: Self::Sum) -> Self::Total;
    fn diff(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    fn diff_seed(s: S, seed: Self::Seed, q: Self::Q) -> Self::Seed;
    /// As `diff`, with no need of a seed.
    fn diff_once(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    fn diff_total(s: S, seed: Self::Seed, sum: Self::Sum) -> Self::Total;
    /// `Σ x²` of rows, `Σ q²` of queries.
    fn norm(s: S, sum: Self::Sum, x: Self::X) -> Self::Sum;
    fn query_norm(s: S, sum: Self::Sum, q: Self::Q) -> Self::Sum;
    fn norm_total(s: S, sum: Self::Sum) -> Self::Total;

    /// The lanes of each, added up.
    fn numbers<const N: usize>(s: S, totals: [Self::Total; N]) -> [Self::Number; N];
    /// A sum with the part of it that its seed is.
    fn with_seed(number: Self::Number, seed: Self::Number) -> Self::Number;
    /// Rounded once.
    fn signed(number: Self::Number) -> f32;
    /// The same for a sum that is never negative.
    fn unsigned(number: Self::Number) -> f32;
}

/// Singles: whatever the elements are, they are read as `f32` and summed as `f32`.
pub(crate) struct Floats<Q, R>(PhantomData<(Q, R)>);

impl<S: Load<Q> + Load<R>, Q: Copy + 'static, R: Copy + 'static> Sums<S> for Floats<Q, R> {
    type Query = Q;
    type Row = R;
    const LANES: usize = S::LANES;
    const ROWS: usize = S::ROWS;
    const BACK: bool = <S as Load<R>>::BACK;
    type Q = S::F;
    type X = S::F;
    type Sum = S::F;
    type Seed = ();
    type Total = S::F;
    type Number = f32;

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const Q) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<Q>::load(s, p) }
    }
    #[inline(always)]
    unsafe fn query_part(s: S, p: *const Q, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<Q>::load_part(s, p, n, back) }
    }
    #[inline(always)]
    unsafe fn at(row: *const R, i: usize) -> *const R {
        // SAFETY: the caller's promise.
        unsafe { <S as Load<R>>::at(row, i) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const R) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<R>::load(s, p) }
    }
    #[inline(always)]
    unsafe fn row_part(s: S, p: *const R, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<R>::load_part(s, p, n, back) }
    }
    #[inline(always)]
    fn zero(s: S) -> S::F {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::F, b: S::F) -> S::F {
        s.add(a, b)
    }
    #[inline(always)]
    fn no_seed(_: S) {}
    #[inline(always)]
    fn add_seeds(_: S, (): (), (): ()) {}
    #[inline(always)]
    fn dot(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        s.mul_add(q, x, sum)
    }
    #[inline(always)]
    fn dot_seed(_: S, (): (), _: S::F) {}
    #[inline(always)]
    fn dot_total(_: S, (): (), sum: S::F) -> S::F {
        sum
    }
    #[inline(always)]
    fn diff(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        let d = s.sub(q, x);
        s.mul_add(d, d, sum)
    }
    #[inline(always)]
    fn diff_seed(_: S, (): (), _: S::F) {}
    #[inline(always)]
    fn diff_once(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        <Self as Sums<S>>::diff(s, sum, q, x)
    }
    #[inline(always)]
    fn diff_total(_: S, (): (), sum: S::F) -> S::F {
        sum
    }
    #[inline(always)]
    fn norm(s: S, sum: S::F, x: S::F) -> S::F {
        s.mul_add(x, x, sum)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: S::F, q: S::F) -> S::F {
        s.mul_add(q, q, sum)
    }
    #[inline(always)]
    fn norm_total(_: S, sum: S::F) -> S::F {
        sum
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, totals: [S::F; N]) -> [f32; N] {
        s.sums(totals)
    }
    #[inline(always)]
    fn with_seed(number: f32, _: f32) -> f32 {
        number
    }
    #[inline(always)]
    fn signed(number: f32) -> f32 {
        number
    }
    #[inline(always)]
    fn unsigned(number: f32) -> f32 {
        number
    }
}

/// Bfloats on both sides, two to a lane, summed as `f32`.
pub(crate) struct Pairs;

impl<S: Brains> Sums<S> for Pairs {
    type Query = bf16;
    type Row = bf16;
    const LANES: usize = 2 * S::LANES;
    const ROWS: usize = S::ROWS;
    type Q = S::B;
    type X = S::B;
    /// Those of even and of odd elements.
    type Sum = [S::F; 2];
    type Seed = ();
    type Total = S::F;
    type Number = f32;

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const bf16) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains(p) }
    }
    #[inline(always)]
    unsafe fn query_part(s: S, p: *const bf16, n: usize, back: bool) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains_part(p, n, back) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const bf16) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains(p) }
    }
    #[inline(always)]
    unsafe fn row_part(s: S, p: *const bf16, n: usize, back: bool) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains_part(p, n, back) }
    }
    #[inline(always)]
    fn zero(s: S) -> [S::F; 2] {
        [s.zero(); 2]
    }
    #[inline(always)]
    fn add(s: S, a: [S::F; 2], b: [S::F; 2]) -> [S::F; 2] {
        [s.add(a[0], b[0]), s.add(a[1], b[1])]
    }
    #[inline(always)]
    fn no_seed(_: S) {}
    #[inline(always)]
    fn add_seeds(_: S, (): (), (): ()) {}
    #[inline(always)]
    fn dot(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        s.dot_brains(sum, q, x)
    }
    #[inline(always)]
    fn dot_seed(_: S, (): (), _: S::B) {}
    #[inline(always)]
    fn dot_total(s: S, (): (), sum: [S::F; 2]) -> S::F {
        s.add(sum[0], sum[1])
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        let even = s.sub(s.even(q), s.even(x));
        let odd = s.sub(s.odd(q), s.odd(x));
        [s.mul_add(even, even, sum[0]), s.mul_add(odd, odd, sum[1])]
    }
    #[inline(always)]
    fn diff_seed(_: S, (): (), _: S::B) {}
    #[inline(always)]
    fn diff_once(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        <Self as Sums<S>>::diff(s, sum, q, x)
    }
    #[inline(always)]
    fn diff_total(s: S, (): (), sum: [S::F; 2]) -> S::F {
        s.add(sum[0], sum[1])
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::F; 2], x: S::B) -> [S::F; 2] {
        s.dot_brains(sum, x, x)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::F; 2], q: S::B) -> [S::F; 2] {
        s.dot_brains(sum, q, q)
    }
    #[inline(always)]
    fn norm_total(s: S, sum: [S::F; 2]) -> S::F {
        s.add(sum[0], sum[1])
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, totals: [S::F; N]) -> [f32; N] {
        s.sums(totals)
    }
    #[inline(always)]
    fn with_seed(number: f32, _: f32) -> f32 {
        number
    }
    #[inline(always)]
    fn signed(number: f32) -> f32 {
        number
    }
    #[inline(always)]
    fn unsigned(number: f32) -> f32 {
        number
    }
}

/// Whole numbers: bytes of one type on both sides, summed exactly and rounded once.
pub(crate) struct Whole<T>(PhantomData<T>);

impl<S: Bytes<T>, T: Element> Sums<S> for Whole<T> {
    type Query = T;
    type Row = T;
    const LANES: usize = S::LANES;
    const ROWS: usize = S::ROWS;
    type Q = S::V;
    type X = S::V;
    type Sum = [S::I; 2];
    type Seed = S::I;
    type Total = S::I;
    type Number = u32;

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(p) }
    }
    #[inline(always)]
    unsafe fn query_part(s: S, p: *const T, n: usize, back: bool) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load_part(p, n, back) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(p) }
    }
    #[inline(always)]
    unsafe fn row_part(s: S, p: *const T, n: usize, back: bool) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load_part(p, n, back) }
    }
    #[inline(always)]
    fn zero(s: S) -> [S::I; 2] {
        [s.zero(); 2]
    }
    #[inline(always)]
    fn add(s: S, a: [S::I; 2], b: [S::I; 2]) -> [S::I; 2] {
        [s.add(a[0], b[0]), s.add(a[1], b[1])]
    }
    #[inline(always)]
    fn no_seed(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add_seeds(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.dot(sum, q, x)
    }
    #[inline(always)]
    fn dot_seed(s: S, seed: S::I, q: S::V) -> S::I {
        s.dot_seed(seed, q)
    }
    #[inline(always)]
    fn dot_total(s: S, seed: S::I, sum: [S::I; 2]) -> S::I {
        s.dot_total(seed, sum)
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff(sum, q, x)
    }
    #[inline(always)]
    fn diff_seed(s: S, seed: S::I, q: S::V) -> S::I {
        s.diff_seed(seed, q)
    }
    #[inline(always)]
    fn diff_once(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff_once(sum, q, x)
    }
    #[inline(always)]
    fn diff_total(s: S, seed: S::I, sum: [S::I; 2]) -> S::I {
        s.diff_total(seed, sum)
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::I; 2], x: S::V) -> [S::I; 2] {
        s.norm(sum, x)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::I; 2], q: S::V) -> [S::I; 2] {
        s.norm(sum, q)
    }
    #[inline(always)]
    fn norm_total(s: S, sum: [S::I; 2]) -> S::I {
        s.norm_total(sum)
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, totals: [S::I; N]) -> [u32; N] {
        s.sums(totals)
    }
    #[inline(always)]
    fn with_seed(number: u32, seed: u32) -> u32 {
        number.wrapping_add(seed)
    }
    #[inline(always)]
    fn signed(number: u32) -> f32 {
        // A dot product of u8 rows needs all 32 bits, one of i8 rows is at most 2³⁰.
        match T::KIND {
            crate::ElementKind::U8 => number as f32,
            _ => number.cast_signed() as f32,
        }
    }
    #[inline(always)]
    fn unsigned(number: u32) -> f32 {
        number as f32
    }
}

/// Bits on both sides, eight to an element: `Σ (q − x)²` is their Hamming distance.
pub(crate) struct Bits;

impl<S: Count> Sums<S> for Bits {
    type Query = u8;
    type Row = u8;
    const LANES: usize = S::BYTES;
    const ROWS: usize = 4;
    type Q = S::V;
    type X = S::V;
    type Sum = S::I;
    type Seed = ();
    type Total = S::I;
    type Number = u32;

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(p) }
    }
    #[inline(always)]
    unsafe fn query_part(s: S, p: *const u8, n: usize, back: bool) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load_part(p, n, back) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const u8) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(p) }
    }
    #[inline(always)]
    unsafe fn row_part(s: S, p: *const u8, n: usize, back: bool) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load_part(p, n, back) }
    }
    #[inline(always)]
    fn zero(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn no_seed(_: S) {}
    #[inline(always)]
    fn add_seeds(_: S, (): (), (): ()) {}
    #[inline(always)]
    fn dot(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.and(q, x))
    }
    #[inline(always)]
    fn dot_seed(_: S, (): (), _: S::V) {}
    #[inline(always)]
    fn dot_total(_: S, (): (), sum: S::I) -> S::I {
        sum
    }
    #[inline(always)]
    fn diff(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.xor(q, x))
    }
    #[inline(always)]
    fn diff_seed(_: S, (): (), _: S::V) {}
    #[inline(always)]
    fn diff_once(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.xor(q, x))
    }
    #[inline(always)]
    fn diff_total(_: S, (): (), sum: S::I) -> S::I {
        sum
    }
    #[inline(always)]
    fn norm(s: S, sum: S::I, x: S::V) -> S::I {
        s.count(sum, x)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: S::I, q: S::V) -> S::I {
        s.count(sum, q)
    }
    #[inline(always)]
    fn norm_total(_: S, sum: S::I) -> S::I {
        sum
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, totals: [S::I; N]) -> [u32; N] {
        s.sums(totals)
    }
    #[inline(always)]
    fn with_seed(number: u32, _: u32) -> u32 {
        number
    }
    #[inline(always)]
    fn signed(number: u32) -> f32 {
        number as f32
    }
    #[inline(always)]
    fn unsigned(number: u32) -> f32 {
        number as f32
    }
}
