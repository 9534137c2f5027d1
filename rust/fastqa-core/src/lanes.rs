//! SIMD without unsafe code: what the innermost loops need of a CPU, and which CPU is at hand.
//!
//! The compiler does not make bit masks of comparisons (each element became a branch: 1,150 ns for
//! the best 20 of a row of 384 instead of 130), so these few operations are written out for AVX2 and
//! AVX-512 with `pulp`'s safe intrinsics, and as plain loops for everything else. A loop is written
//! once, over [`Lanes`], as an [`Operation`]; [`Logit::dispatch`] chooses at run time.
use pulp::{Arch, Simd, WithSimd};

use crate::logit::Logit;

/// No CPU here has more lanes than this.
pub const MOST_LANES: usize = 16;

/// Where [`Lanes::compress`] writes.
pub type Kept<'a, T> = (&'a mut [u32; MOST_LANES], &'a mut [T; MOST_LANES]);

/// Logits and tokens of eight ends.
pub type Ends<'a, T> = (&'a [T; 8], &'a [u32; 8]);

/// Vectors of `WIDTH` logits. No value compares with a NaN but where it says so.
pub trait Lanes<T: Logit>: Copy {
    /// Some logits.
    type Vector: Copy;
    /// One count for each lane.
    type Counts: Copy;
    /// Logits in a vector: 8 or 16.
    const WIDTH: usize;
    /// The row in vectors, and what is left.
    fn vectors(row: &[T]) -> (&[Self::Vector], &[T]);
    /// The same for writing.
    fn vectors_mut(row: &mut [T]) -> (&mut [Self::Vector], &mut [T]);
    /// The same value in every lane.
    fn splat(self, value: T) -> Self::Vector;
    /// The larger of each lane; of a NaN and `known`, `known`.
    fn larger(self, value: Self::Vector, known: Self::Vector) -> Self::Vector;
    /// The largest of all lanes.
    fn largest(self, values: Self::Vector) -> T;
    /// The largest of all lanes whose count is `least` or more; minus infinity if there are none.
    fn largest_counted(self, values: Self::Vector, counts: Self::Counts, least: u32) -> T;
    /// Bit i is set where lane i is `bound` or more, or NaN.
    fn not_below(self, values: Self::Vector, bound: Self::Vector) -> u32;
    /// Bit i is set where lane i is more than `bound`.
    fn above(self, values: Self::Vector, bound: Self::Vector) -> u32;
    /// Bit i is set where lane i equals `other`'s.
    fn equal(self, values: Self::Vector, other: Self::Vector) -> u32;
    /// Bit i is set where lane i of either is NaN.
    fn unordered(self, values: Self::Vector, others: Self::Vector) -> u32;
    /// The lanes whose bit is set, one after the other: their values, and their positions if that of
    /// lane 0 is `first`. What stands behind them has no meaning.
    fn compress(self, bits: u32, first: u32, values: Self::Vector, to: Kept<'_, T>);
    /// Zero in every lane.
    fn no_counts(self) -> Self::Counts;
    /// Count `other` where it is the lane's value or more.
    fn count_not_below(self, counts: Self::Counts, other: T, values: Self::Vector) -> Self::Counts;
    /// Count `other` where it is more than the lane's value.
    fn count_above(self, counts: Self::Counts, other: T, values: Self::Vector) -> Self::Counts;
    /// The sums of a start and eight ends, minus infinity where an end token lies before the start's
    /// or `longest` tokens behind it.
    fn span_sums(self, start: T, token: u32, longest: u32, ends: Ends<'_, T>) -> [T; 8];
    /// The counts; only the first `WIDTH` have a meaning.
    fn counts(self, counts: Self::Counts) -> [u32; MOST_LANES];
}

/// A loop that runs on any [`Lanes`].
pub trait Operation<T: Logit> {
    /// What comes of it.
    type Output;
    /// To be inlined into a function that is compiled for the CPU at hand, with all that it calls.
    fn run<L: Lanes<T>>(self, lanes: L) -> Self::Output;
}

/// An operation with its lanes. A struct and not a closure: only so is everything inlined into the
/// function that is compiled for the CPU at hand (a closure stayed outside of it, and SSE2).
pub(crate) struct With<T, O, L>(
    pub(crate) O,
    pub(crate) L,
    pub(crate) std::marker::PhantomData<T>,
);

impl<T: Logit, O: Operation<T>, L: Lanes<T>> WithSimd for With<T, O, L> {
    type Output = O::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        self.0.run(self.1)
    }
}

/// Run on the widest lanes that there are for float32.
#[inline(always)]
pub(crate) fn dispatch_f32<O: Operation<f32>>(operation: O) -> O::Output {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => Simd::vectorize(simd, With(operation, simd, std::marker::PhantomData)),
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => Simd::vectorize(simd, With(operation, simd, std::marker::PhantomData)),
        other => other.dispatch(With(operation, Plain, std::marker::PhantomData)),
    }
}

/// Run on plain loops, compiled for the CPU at hand.
#[inline(always)]
pub(crate) fn dispatch_plain<T: Logit, O: Operation<T>>(operation: O) -> O::Output {
    Arch::new().dispatch(With(operation, Plain, std::marker::PhantomData))
}

/// Loops over eight values.
#[derive(Clone, Copy)]
pub struct Plain;

/// Bit i is set where `test` holds for lane i.
#[inline(always)]
fn bits<T: Copy>(values: [T; 8], others: [T; 8], test: impl Fn(T, T) -> bool) -> u32 {
    let mut all = 0;
    for (lane, (&value, other)) in values.iter().zip(others).enumerate() {
        all |= u32::from(test(value, other)) << lane;
    }
    all
}

/// [`Lanes::compress`] bit by bit.
#[inline(always)]
pub(crate) fn compress<T: Logit>(mut bits: u32, first: u32, values: &[T; 8], to: Kept<'_, T>) {
    let (positions, kept) = to;
    for (position, slot) in positions.iter_mut().zip(kept) {
        if bits == 0 {
            break;
        }
        let lane = bits.trailing_zeros();
        *position = first.wrapping_add(lane);
        *slot = values.get(lane as usize).copied().unwrap_or_default();
        bits &= bits.wrapping_sub(1);
    }
}

impl<T: Logit> Lanes<T> for Plain {
    type Vector = [T; 8];
    type Counts = [u32; 8];
    const WIDTH: usize = 8;

    #[inline(always)]
    fn vectors(row: &[T]) -> (&[[T; 8]], &[T]) {
        row.as_chunks()
    }
    #[inline(always)]
    fn vectors_mut(row: &mut [T]) -> (&mut [[T; 8]], &mut [T]) {
        row.as_chunks_mut()
    }
    #[inline(always)]
    fn splat(self, value: T) -> [T; 8] {
        [value; 8]
    }
    #[inline(always)]
    fn larger(self, value: [T; 8], mut known: [T; 8]) -> [T; 8] {
        for (known, value) in known.iter_mut().zip(value) {
            *known = if value > *known { value } else { *known };
        }
        known
    }
    #[inline(always)]
    fn largest(self, values: [T; 8]) -> T {
        values.iter().fold(T::NEGATIVE_INFINITY, |most, &value| {
            if value > most { value } else { most }
        })
    }
    #[inline(always)]
    fn largest_counted(self, values: [T; 8], counts: [u32; 8], least: u32) -> T {
        let mut kept = [T::NEGATIVE_INFINITY; 8];
        for ((kept, value), count) in kept.iter_mut().zip(values).zip(counts) {
            *kept = if count >= least { value } else { *kept };
        }
        Lanes::<T>::largest(self, kept)
    }
    #[inline(always)]
    fn count_not_below(self, mut counts: [u32; 8], other: T, values: [T; 8]) -> [u32; 8] {
        for (count, value) in counts.iter_mut().zip(values) {
            *count = count.wrapping_add(u32::from(other >= value));
        }
        counts
    }
    #[inline(always)]
    #[allow(clippy::neg_cmp_op_on_partial_ord)]
    fn not_below(self, values: [T; 8], bound: [T; 8]) -> u32 {
        bits(values, bound, |value, bound| !(value < bound))
    }
    #[inline(always)]
    fn above(self, values: [T; 8], bound: [T; 8]) -> u32 {
        bits(values, bound, |value, bound| value > bound)
    }
    #[inline(always)]
    fn equal(self, values: [T; 8], other: [T; 8]) -> u32 {
        bits(values, other, |value, other| value == other)
    }
    #[inline(always)]
    fn unordered(self, values: [T; 8], others: [T; 8]) -> u32 {
        bits(values, others, |value, other| {
            value.is_nan() | other.is_nan()
        })
    }
    #[inline(always)]
    fn compress(self, bits: u32, first: u32, values: [T; 8], to: Kept<'_, T>) {
        compress(bits, first, &values, to);
    }
    #[inline(always)]
    fn no_counts(self) -> [u32; 8] {
        [0; 8]
    }
    #[inline(always)]
    fn count_above(self, mut counts: [u32; 8], other: T, values: [T; 8]) -> [u32; 8] {
        for (count, value) in counts.iter_mut().zip(values) {
            // Wrapping: an overflow check in each step would keep this from becoming SIMD.
            *count = count.wrapping_add(u32::from(other > value));
        }
        counts
    }
    #[inline(always)]
    fn span_sums(self, start: T, token: u32, longest: u32, ends: Ends<'_, T>) -> [T; 8] {
        let mut sums = [T::NEGATIVE_INFINITY; 8];
        for ((sum, &logit), &end) in sums.iter_mut().zip(ends.0).zip(ends.1) {
            // Also false for an end before the start.
            if end.wrapping_sub(token) < longest {
                *sum = start.plus(logit);
            }
        }
        sums
    }
    #[inline(always)]
    fn counts(self, counts: [u32; 8]) -> [u32; MOST_LANES] {
        let mut all = [0; MOST_LANES];
        for (slot, count) in all.iter_mut().zip(counts) {
            *slot = count;
        }
        all
    }
}
