//! Elements of a type known at run time, read as `f32`.

use crate::checks::check;
use crate::{ElementKind, KernelError};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

impl ElementKind {
    /// Reads elements of this type as `f32`, exactly.
    ///
    /// # Errors
    /// [`KernelError::Length`] unless `bytes` are `out.len()` elements, and [`KernelError::Misaligned`] unless they are
    /// aligned to this type.
    pub fn read(self, bytes: &[u8], out: &mut [f32]) -> Result<(), KernelError> {
        if bytes.is_empty() && out.is_empty() {
            return Ok(());
        }
        check(bytes, out.len() * self.size(), self, 0)?;
        match self {
            Self::F32 => out.copy_from_slice(bytemuck::cast_slice(bytes)),
            Self::F16 => bytemuck::cast_slice::<u8, f16>(bytes).convert_to_f32_slice(out),
            Self::Bf16 => bytemuck::cast_slice::<u8, bf16>(bytes).convert_to_f32_slice(out),
            Self::U8 => out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = f32::from(*byte)),
            Self::I8 => out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = f32::from(*byte as i8)),
        }
        Ok(())
    }
}
