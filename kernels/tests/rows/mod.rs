//! Rows to compute on: by element type, by kind of number, at any offset in memory.
#![allow(dead_code, reason = "each suite uses its own part")]

use omendb_kernels::{Element, ElementKind, bf16, f16};

/// A small generator of repeatable numbers (Steele, Lea and Flood's SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between −1 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Kinds of numbers a row may be made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Numbers {
    /// Between −1 and 1; for bytes, all of them.
    Usual,
    /// Subnormal, zeros of both signs, and small; for bytes, mostly 0.
    Tiny,
    /// So large that squares are near the end of `f32` (for f16: of f16); for bytes, the extremes.
    Huge,
}

pub(crate) trait Sample: Element {
    fn sample(random: &mut Random, numbers: Numbers) -> Self;
}

fn float(random: &mut Random, numbers: Numbers, least: f64, most: f64) -> f64 {
    match numbers {
        Numbers::Usual => random.unit(),
        Numbers::Tiny => match random.next() % 4 {
            0 => 0.0,
            1 => -0.0,
            2 => random.unit() * least,
            _ => random.unit() * least * 4096.0,
        },
        Numbers::Huge => random.unit() * most,
    }
}

impl Sample for f32 {
    fn sample(random: &mut Random, numbers: Numbers) -> Self {
        // Subnormals of f32 end at 1.2e-38; 4,097 squares of 1e17 stay below 3.4e38.
        float(random, numbers, 1.0e-38, 1.0e17) as f32
    }
}

impl Sample for f16 {
    fn sample(random: &mut Random, numbers: Numbers) -> Self {
        f16::from_f64(float(random, numbers, 6.0e-5, 65504.0))
    }
}

impl Sample for bf16 {
    fn sample(random: &mut Random, numbers: Numbers) -> Self {
        bf16::from_f64(float(random, numbers, 1.0e-38, 1.0e17))
    }
}

impl Sample for u8 {
    fn sample(random: &mut Random, numbers: Numbers) -> Self {
        let byte = random.next() as u8;
        match numbers {
            Numbers::Usual => byte,
            Numbers::Tiny => byte & (byte >> 4) & 1,
            Numbers::Huge => {
                if byte < 128 {
                    0
                } else {
                    255
                }
            }
        }
    }
}

impl Sample for i8 {
    fn sample(random: &mut Random, numbers: Numbers) -> Self {
        let byte = u8::sample(random, numbers);
        match numbers {
            Numbers::Usual => byte.cast_signed(),
            Numbers::Tiny => byte as i8 - 1,
            Numbers::Huge => {
                if byte == 0 {
                    -128
                } else {
                    127
                }
            }
        }
    }
}

/// What lies before and after a row in memory: something that shows if it is read.
fn poison<T: Element>() -> T {
    match T::KIND {
        ElementKind::U8 | ElementKind::I8 => bytemuck::cast_slice(&[0x5au8])[0],
        ElementKind::F32 => bytemuck::cast_slice(&[f32::NAN])[0],
        ElementKind::F16 => bytemuck::cast_slice(&[f16::NAN])[0],
        ElementKind::Bf16 => bytemuck::cast_slice(&[bf16::NAN])[0],
    }
}

/// A row that starts `offset` elements after a 64-byte boundary.
pub(crate) struct Row<T> {
    memory: Vec<T>,
    start: usize,
    dim: usize,
}

impl<T: Sample> Row<T> {
    pub(crate) fn new(random: &mut Random, numbers: Numbers, dim: usize, offset: usize) -> Self {
        let line = 64 / size_of::<T>();
        let mut memory = vec![poison::<T>(); dim + offset + 3 * line];
        let start = memory.as_ptr().align_offset(64) + offset;
        for slot in &mut memory[start..start + dim] {
            *slot = T::sample(random, numbers);
        }
        Self { memory, start, dim }
    }

    pub(crate) fn set(&mut self, at: usize, value: T) {
        assert!(at < self.dim);
        self.memory[self.start + at] = value;
    }

    pub(crate) fn slice(&self) -> &[T] {
        &self.memory[self.start..self.start + self.dim]
    }
}
