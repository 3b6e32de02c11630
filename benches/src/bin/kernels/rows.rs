//! Rows to measure on: how many, how far apart, in which order they are visited.

use omendb_kernels::{Element, bf16, f16};

/// Where the rows of a cell lie while they are computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[value(rename_all = "verbatim")]
pub(crate) enum Place {
    L1,
    L2,
    #[value(name = "DRAM")]
    Dram,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::L1, Self::L2, Self::Dram];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::Dram => "DRAM",
        }
    }

    /// Bytes of rows that stay there.
    const fn bytes(self) -> usize {
        match self {
            Self::L1 => 20 << 10,
            // Less than the least L2 of today's processors, and more than any L1.
            Self::L2 => 384 << 10,
            Self::Dram => 1 << 30,
        }
    }
}

/// Repeatable numbers (Steele, Lea and Flood's SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// An element type that random rows can be made of.
pub(crate) trait Sample: Element {
    fn sample(random: &mut Random) -> Self;
}

fn unit(random: &mut Random) -> f32 {
    (random.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
}

impl Sample for f32 {
    fn sample(random: &mut Random) -> Self {
        unit(random)
    }
}

impl Sample for f16 {
    fn sample(random: &mut Random) -> Self {
        Self::from_f32(unit(random))
    }
}

impl Sample for bf16 {
    fn sample(random: &mut Random) -> Self {
        Self::from_f32(unit(random))
    }
}

impl Sample for u8 {
    fn sample(random: &mut Random) -> Self {
        random.next() as Self
    }
}

impl Sample for i8 {
    fn sample(random: &mut Random) -> Self {
        (random.next() as u8).cast_signed()
    }
}

/// Rows that each start on a 64-byte boundary, as they lie in a database.
pub(crate) struct Rows<T> {
    memory: Vec<T>,
    start: usize,
    stride: usize,
    dim: usize,
    n: usize,
}

impl<T: Copy> Rows<T> {
    /// The same rows in another library's type.
    #[cfg(feature = "peers")]
    pub(crate) fn map<U: Copy>(&self, into: impl Fn(T) -> U) -> Rows<U> {
        let first = into(self.memory[self.start]);
        let mut memory = vec![first; self.memory.len() + 64];
        let start = memory.as_ptr().align_offset(64);
        for (to, from) in memory[start..].iter_mut().zip(&self.memory[self.start..]) {
            *to = into(*from);
        }
        Rows { memory, start, stride: self.stride, dim: self.dim, n: self.n }
    }

    pub(crate) fn row(&self, i: usize) -> &[T] {
        &self.memory[self.start + i * self.stride..][..self.dim]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.memory[self.start + i * self.stride..][..self.dim]
    }

    /// The rows in the order they are visited in.
    pub(crate) fn list(&self, order: &[usize]) -> Vec<&[T]> {
        order.iter().map(|&i| self.row(i)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// All rows with what lies between them, and their distance in elements.
    pub(crate) fn flat(&self) -> (&[T], usize) {
        (&self.memory[self.start..][..self.n * self.stride], self.stride)
    }
}

impl Rows<f32> {
    /// One row that lies close to another of any type; see [`Rows::close_to`].
    pub(crate) fn beside<T: Element>(row: &[T], seed: u64) -> Self {
        let mut rows = Self::new(Place::L1, row.len(), seed);
        for (x, other) in rows.row_mut(0).iter_mut().zip(row) {
            *x = other.to_f32() * (1.0 + 1.0 / 512.0);
        }
        rows
    }
}

impl<T: Sample> Rows<T> {
    /// As many rows as lie there.
    pub(crate) fn new(place: Place, dim: usize, seed: u64) -> Self {
        let row_bytes = (dim * size_of::<T>()).next_multiple_of(64);
        Self::some((place.bytes() / row_bytes).max(2), dim, seed)
    }

    pub(crate) fn some(n: usize, dim: usize, seed: u64) -> Self {
        let line = 64 / size_of::<T>();
        let stride = dim.next_multiple_of(line);
        let mut random = Random(seed);
        // A short stretch of numbers over and over: making a gigabyte of them takes long.
        let stretch: Vec<T> = (0..65_521.min(n * stride)).map(|_| T::sample(&mut random)).collect();
        let memory: Vec<T> = stretch.iter().copied().cycle().take(n * stride + line).collect();
        let start = memory.as_ptr().align_offset(64);
        Self { memory, start, stride, dim, n }
    }

    /// One row that lies close to another: each of its numbers is one near the other's. Where a squared
    /// distance is made of norms and a product, their errors are larger there than what they should leave.
    pub(crate) fn close_to(row: &[T], seed: u64) -> Self {
        let mut rows = Self::new(Place::L1, row.len(), seed);
        let close: Vec<T> = row
            .iter()
            .map(|&number| {
                let apart = |other: &T| (other.to_f64() - number.to_f64()).abs();
                let others = rows.memory.iter().copied().filter(|other| apart(other) > 0.0);
                others.min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(number)
            })
            .collect();
        rows.row_mut(0).copy_from_slice(&close);
        rows
    }

    /// Visits to `count` rows in random order; where `count` is more than there are, again.
    pub(crate) fn order(&self, count: usize) -> Vec<usize> {
        let mut random = Random(7);
        if count < self.n {
            return (0..count).map(|_| random.below(self.n)).collect();
        }
        let mut order: Vec<usize> = (0..count).map(|i| i % self.n).collect();
        for i in (1..count).rev() {
            order.swap(i, random.below(i + 1));
        }
        order
    }
}

/// A list that is gone through a part at a time, over and over: rows in memory are in no cache since the call before.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a, T> {
    list: &'a [T],
    size: usize,
    at: usize,
}

impl<'a, T> Parts<'a, T> {
    /// Parts of `size`, of which the list holds a whole number.
    pub(crate) fn new(list: &'a [T], size: usize) -> Self {
        Self { list, size, at: 0 }
    }

    pub(crate) fn next(&mut self) -> &'a [T] {
        let part = &self.list[self.at..][..self.size];
        self.at = (self.at + self.size) % self.list.len();
        part
    }
}
