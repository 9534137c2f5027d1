//! Logit rows: the two float types that scores are computed in, and the three they arrive in.
//!
//! float16 (and bfloat16, which the front end turns into float32) is widened exactly, row by row:
//! half-precision sums overflow to infinity and tie far more often than the model meant. A row of
//! float32 or float64 is borrowed where it lies; a row of float16 costs one pass into a buffer of
//! the thread. [`Logit::key`] makes an integer of a value and its position, in whose order equal
//! values stand by position: comparing keys is the whole tie rule.
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use crate::Error;
use crate::columns::Extents;
use crate::lanes::{Operation, dispatch_f32, dispatch_plain};

/// A float type that logits are compared and added in.
pub trait Logit: Copy + PartialOrd + Default + Send + Sync + std::fmt::Debug + 'static {
    /// An integer that orders like (value, then smaller index first): greater ranks first.
    type Key: Copy + Ord + Default + Send;
    /// Below every number.
    const NEGATIVE_INFINITY: Self;
    /// Above every number.
    const INFINITY: Self;
    /// The order key of this value at `index`; -0.0 and 0.0 have equal values. Not for NaN.
    fn key(self, index: u32) -> Self::Key;
    /// The index in a key.
    fn index(key: Self::Key) -> u32;
    /// Rounded sum.
    fn plus(self, other: Self) -> Self;
    /// Rounded difference.
    fn minus(self, other: Self) -> Self;
    /// `self` is not a number.
    fn is_nan(self) -> bool;
    /// Exact.
    fn to_f64(self) -> f64;
    /// Rounded.
    fn from_f64(value: f64) -> Self;
    /// Natural exponential in this precision.
    fn exponential(self) -> Self;
    /// Rounded quotient.
    fn over(self, other: Self) -> Self;
    /// Run a loop on the widest SIMD lanes that the CPU at hand has for this type.
    #[doc(hidden)]
    fn dispatch<O: Operation<Self>>(operation: O) -> O::Output;
}

macro_rules! implement_logit {
    ($float:ty, $bits:ty, $key:ty, $dispatch:path) => {
        impl Logit for $float {
            type Key = $key;
            const NEGATIVE_INFINITY: Self = <$float>::NEG_INFINITY;
            const INFINITY: Self = <$float>::INFINITY;
            #[inline(always)]
            fn key(self, index: u32) -> $key {
                // Adding 0.0 turns -0.0 into 0.0; flipping the value bits of negatives makes the
                // bit pattern order like the number.
                let bits = (self + 0.0).to_bits().cast_signed();
                let flip = (bits >> (<$bits>::BITS - 1)).cast_unsigned() >> 1;
                let ordered = bits ^ flip.cast_signed();
                (<$key>::from(ordered) << 32) | <$key>::from(!index)
            }
            #[inline(always)]
            fn index(key: $key) -> u32 {
                !(key as u32)
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$float>::is_nan(self)
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $float
            }
            fn exponential(self) -> Self {
                self.exp()
            }
            fn over(self, other: Self) -> Self {
                self / other
            }
            #[inline(always)]
            fn dispatch<O: Operation<Self>>(operation: O) -> O::Output {
                $dispatch(operation)
            }
        }
    };
}
implement_logit!(f32, u32, i64, dispatch_f32);
implement_logit!(f64, u64, i128, dispatch_plain);

/// What `transformers` fills the rows of narrow batches up with.
const FILLER: f64 = -100.0;

/// How values of type `T` become rows of type [`RowSource::Value`].
pub trait RowSource: Sync {
    /// The type that the row is searched in.
    type Value: Logit;
    /// The row `values[range]`, widened into `scratch` only where it must be.
    fn row<'a>(
        &'a self,
        range: (usize, usize),
        scratch: &'a mut Vec<Self::Value>,
    ) -> Option<&'a [Self::Value]>;
    /// How many values there are.
    fn len(&self) -> usize;
    /// There are no values.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Logit> RowSource for &[T] {
    type Value = T;
    #[inline(always)]
    fn row<'a>(&'a self, range: (usize, usize), _scratch: &'a mut Vec<T>) -> Option<&'a [T]> {
        self.get(range.0..range.1)
    }
    fn len(&self) -> usize {
        <[T]>::len(self)
    }
}

/// float16 values as their bits.
pub struct HalfBits<'a>(pub &'a [u16]);

impl RowSource for HalfBits<'_> {
    type Value = f32;
    fn row<'a>(&'a self, range: (usize, usize), scratch: &'a mut Vec<f32>) -> Option<&'a [f32]> {
        let bits = self.0.get(range.0..range.1)?;
        scratch.resize(bits.len(), 0.0);
        bits.reinterpret_cast::<f16>().convert_to_f32_slice(scratch);
        Some(scratch)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Start and end logits of all windows: two flat arrays with the same rows.
pub struct Logits<'a, S> {
    /// Start logits, row after row.
    pub start: S,
    /// End logits, row after row.
    pub end: S,
    /// Where each window's row lies in both.
    pub rows: Extents<'a>,
}

impl<S: RowSource> Logits<'_, S> {
    /// Check that both arrays hold all rows.
    ///
    /// # Errors
    /// [`Error::Value`] when an array is shorter or longer than the rows say.
    pub fn validate(&self) -> Result<(), Error> {
        let expected = self.rows.end()?;
        for (name, length) in [("start", self.start.len()), ("end", self.end.len())] {
            if length != expected {
                return Err(Error::value(format!(
                    "{name} logits hold {length} values, but the {} rows need {expected}",
                    self.rows.count()
                )));
            }
        }
        Ok(())
    }

    /// Up to where a row holds more than what `transformers` fills rows up with. Where the last value
    /// is none of it, nothing else is read.
    pub fn reach(
        &self,
        row: usize,
        (start, end): (&mut Vec<S::Value>, &mut Vec<S::Value>),
    ) -> Option<usize> {
        let (begin, past) = self.rows.get(row)?;
        let mut read_from = |begin| -> Option<usize> {
            let starts = self.start.row((begin, past), start)?;
            let ends = self.end.row((begin, past), end)?;
            let filler = |value: &S::Value| value.to_f64() == FILLER;
            let mut pairs = starts.iter().zip(ends).rev();
            pairs.position(|(start, end)| !(filler(start) && filler(end)))
        };
        let filled = match past.checked_sub(1).filter(|&last| last >= begin) {
            Some(last) if read_from(last).is_some() => 0,
            _ => read_from(begin).unwrap_or(past - begin),
        };
        Some(past - begin - filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_like_value_then_smaller_index() {
        let values = [
            f32::NEG_INFINITY,
            -3.5,
            -1e-40,
            0.0,
            1e-40,
            2.0,
            f32::INFINITY,
        ];
        for pair in values.windows(2) {
            assert!(pair[0].key(0) < pair[1].key(9));
            assert!(f64::from(pair[0]).key(0) < f64::from(pair[1]).key(9));
        }
        assert!(1.0_f32.key(3) > 1.0_f32.key(4));
        assert!((-0.0_f32).key(3) > 0.0_f32.key(4));
        assert_eq!(f32::index(7.5_f32.key(1234)), 1234);
        assert_eq!(f64::index((-7.5_f64).key(u32::MAX)), u32::MAX);
    }
}
