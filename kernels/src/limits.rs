//! What the machine allows: loops that only load, or only multiply and add. Benchmarks print
//! kernels as a share of these, measured in the same run.

use crate::isa::operations::Load;
use crate::isa::portable::Portable;
use crate::{Isa, KernelError};

/// Reads every row and sums it over eight accumulators. Returns a value that depends on all of it.
///
/// # Errors
/// [`KernelError::MissingIsa`].
pub fn load(isa: Isa, rows: &[&[u8]]) -> Result<f32, KernelError> {
    compiled(isa, Loads(rows))
}

/// Multiplies and adds `steps` vectors in registers, over twelve accumulators. Returns the number of products of a
/// step, and a value that depends on all of them.
///
/// # Errors
/// [`KernelError::MissingIsa`].
pub fn multiply_add(isa: Isa, steps: usize) -> Result<(usize, f32), KernelError> {
    compiled(isa, Products(steps))
}

/// A loop over an instruction set's vectors.
trait Loop {
    type Output;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn run<S: Load<f32>>(self) -> Self::Output;
}

/// Runs a loop inside the context of an instruction set.
fn compiled<L: Loop>(isa: Isa, work: L) -> Result<L::Output, KernelError> {
    isa.required()?;
    // SAFETY: the instruction set was required.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            use crate::isa::{avx2, avx512};
            match isa {
                Isa::Avx2 | Isa::Avx2Vnni => {
                    return Ok(avx2::Features::new_unchecked().vectorize(
                        #[inline(always)]
                        || work.run::<avx2::Avx2>(),
                    ));
                }
                Isa::Avx512 | Isa::Avx512Vnni | Isa::Avx512Popcnt | Isa::Avx512Bf16 => {
                    return Ok(avx512::Features::new_unchecked().vectorize(
                        #[inline(always)]
                        || work.run::<avx512::Avx512>(),
                    ));
                }
                _ => {}
            }
        }
        Ok(work.run::<Portable>())
    }
}

/// The rows to read.
struct Loads<'a>(&'a [&'a [u8]]);

impl Loop for Loads<'_> {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Load<f32>>(self) -> f32 {
        let rows = self.0;
        let Some(first) = rows.first() else { return 0.0 };
        let size = S::LANES * 4;
        // SAFETY: the caller's promise.
        unsafe {
            match (first.len() / size, first.len() % size) {
                (1, 0) => of_vectors::<S, 1>(rows),
                (2, 0) => of_vectors::<S, 2>(rows),
                (4, 0) => of_vectors::<S, 4>(rows),
                _ => of_any_length::<S>(rows),
            }
        }
    }
}

/// Reads rows of `V` vectors each, up to the first row of another length. A loop over the vectors of a row would take
/// longer than the loads.
///
/// # Safety
/// On an `S`.
#[inline(always)]
unsafe fn of_vectors<S: Load<f32>, const V: usize>(rows: &[&[u8]]) -> f32 {
    // SAFETY: the caller's promise; each load lies inside its row.
    unsafe {
        let s = S::token();
        let size = S::LANES * 4;
        let mut sums = [s.zero(); 8];
        let mut i = 0;
        while i + 4 <= rows.len() {
            let some = &rows[i..i + 4];
            let others = some.iter().fold(0, |others, row| others | (row.len() ^ (V * size)));
            if others != 0 {
                break;
            }
            for k in 0..4 {
                for v in 0..V {
                    let sum = (k * V + v) % 8;
                    sums[sum] = s.add(sums[sum], s.load(some[k].as_ptr().add(v * size).cast::<f32>()));
                }
            }
            i += 4;
        }
        s.lane_sums(sums).into_iter().sum::<f32>() + of_any_length::<S>(&rows[i..])
    }
}

/// Reads rows of any length.
///
/// # Safety
/// On an `S`.
#[inline(always)]
unsafe fn of_any_length<S: Load<f32>>(rows: &[&[u8]]) -> f32 {
    // SAFETY: the caller's promise; each load lies inside its row.
    unsafe {
        let s = S::token();
        let size = S::LANES * 4;
        let mut sums = [s.zero(); 8];
        let mut i = 0;
        while i < rows.len() {
            let (start, bytes) = (rows[i].as_ptr(), rows[i].len());
            let mut at = 0;
            while at + 8 * size <= bytes {
                for k in 0..8 {
                    sums[k] = s.add(sums[k], s.load(start.add(at + k * size).cast::<f32>()));
                }
                at += 8 * size;
            }
            while at + 2 * size <= bytes {
                for k in 0..2 {
                    sums[k] = s.add(sums[k], s.load(start.add(at + k * size).cast::<f32>()));
                }
                at += 2 * size;
            }
            while at + size <= bytes {
                sums[0] = s.add(sums[0], s.load(start.add(at).cast::<f32>()));
                at += size;
            }
            if at < bytes {
                let n = ((bytes - at) / 4).min(S::LANES - 1);
                let back = bytes >= size;
                sums[2] = s.add(sums[2], s.load_tail(start.add(at).cast::<f32>(), n, back));
            }
            i += 1;
        }
        s.lane_sums(sums).into_iter().sum()
    }
}

/// The number of steps.
struct Products(usize);

impl Loop for Products {
    type Output = (usize, f32);

    #[inline(always)]
    unsafe fn run<S: Load<f32>>(self) -> (usize, f32) {
        // SAFETY: the caller's promise.
        unsafe {
            let s = S::token();
            let mut sums = [s.zero(); 12];
            let start = [0.5f32; 64];
            let x = s.load(core::hint::black_box(&start).as_ptr());
            let mut i = 0;
            while i + 12 <= self.0 {
                for k in 0..12 {
                    sums[k] = s.mul_add(sums[k], x, x);
                }
                i += 12;
            }
            (S::LANES, s.lane_sums(sums).into_iter().sum())
        }
    }
}
