//! [`Lanes`] of x86-64: AVX2 (8 logits) and AVX-512 (16), by `pulp`'s safe intrinsics.
//!
//! `V3` and `V4` are proofs that the CPU has them: `lanes.rs` makes one after asking, so no function
//! here can run elsewhere. Cost: one to three instructions an operation; `compress` of AVX2 is a table
//! and a permutation. Invariant: each gives, bit by bit, what the plain loop in `lanes.rs` gives, NaN
//! and -0.0 included (a property test there compares all three).
use pulp::x86::{V3, V4};
use pulp::{Simd, cast, f32x8, f32x16, i32x8, i32x16, m32x8, u32x8};

use crate::lanes::{Ends, Kept, Lanes, MOST_LANES, compress};

/// The number of each lane.
const NUMBERS: i32x16 = i32x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

#[inline(always)]
fn bits(simd: V3, mask: m32x8) -> u32 {
    let mask: u32x8 = Simd::transmute_u32s_m32s(simd, mask);
    simd.avx._mm256_movemask_ps(cast(mask)).cast_unsigned()
}

/// A set lane of a mask is -1: subtracting it counts.
#[inline(always)]
fn count(simd: V3, counts: i32x8, mask: i32x8) -> i32x8 {
    cast(simd.avx2._mm256_sub_epi32(cast(counts), cast(mask)))
}

#[inline(always)]
fn lanes(simd: V3, mask: m32x8) -> i32x8 {
    cast(Simd::transmute_u32s_m32s(simd, mask))
}

impl Lanes<f32> for V3 {
    type Vector = f32x8;
    type Counts = i32x8;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn vectors(row: &[f32]) -> (&[f32x8], &[f32]) {
        Self::as_simd_f32s(row)
    }
    #[inline(always)]
    fn vectors_mut(row: &mut [f32]) -> (&mut [f32x8], &mut [f32]) {
        Self::as_mut_simd_f32s(row)
    }
    #[inline(always)]
    fn splat(self, value: f32) -> f32x8 {
        self.splat_f32x8(value)
    }
    #[inline(always)]
    fn larger(self, value: f32x8, known: f32x8) -> f32x8 {
        // Of a NaN and a number, the instruction takes its second operand.
        cast(self.avx._mm256_max_ps(cast(value), cast(known)))
    }
    #[inline(always)]
    fn largest(self, values: f32x8) -> f32 {
        self.reduce_max_f32s(values)
    }
    #[inline(always)]
    fn largest_counted(self, values: f32x8, counts: i32x8, least: u32) -> f32 {
        let least = self.splat_i32x8(least.cast_signed().wrapping_sub(1));
        let counted = self.avx2._mm256_cmpgt_epi32(cast(counts), cast(least));
        let lowest = self.splat_f32x8(f32::NEG_INFINITY);
        let kept = self
            .avx
            ._mm256_blendv_ps(cast(lowest), cast(values), cast(counted));
        self.reduce_max_f32s(cast(kept))
    }
    #[inline(always)]
    fn count_not_below(self, counts: i32x8, other: f32, values: f32x8) -> i32x8 {
        let other = self.splat_f32x8(other);
        count(self, counts, lanes(self, self.cmp_ge_f32x8(other, values)))
    }
    #[inline(always)]
    fn not_below(self, values: f32x8, bound: f32x8) -> u32 {
        bits(self, self.cmp_not_lt_f32x8(values, bound))
    }
    #[inline(always)]
    fn above(self, values: f32x8, bound: f32x8) -> u32 {
        bits(self, self.cmp_gt_f32x8(values, bound))
    }
    #[inline(always)]
    fn equal(self, values: f32x8, other: f32x8) -> u32 {
        bits(self, self.cmp_eq_f32x8(values, other))
    }
    #[inline(always)]
    fn unordered(self, values: f32x8, others: f32x8) -> u32 {
        // Not less, but not greater or equal either.
        let not_below = bits(self, self.cmp_not_lt_f32x8(values, others));
        not_below & !bits(self, self.cmp_ge_f32x8(values, others))
    }
    #[inline(always)]
    fn compress(self, bits: u32, first: u32, values: f32x8, to: Kept<'_, f32>) {
        compress(bits, first, &cast(values), to);
    }
    #[inline(always)]
    fn no_counts(self) -> i32x8 {
        self.splat_i32x8(0)
    }
    #[inline(always)]
    fn count_above(self, counts: i32x8, other: f32, values: f32x8) -> i32x8 {
        let other = self.splat_f32x8(other);
        count(self, counts, lanes(self, self.cmp_gt_f32x8(other, values)))
    }
    #[inline(always)]
    fn span_sums(self, start: f32, token: u32, longest: u32, ends: Ends<'_, f32>) -> [f32; 8] {
        let (logits, tokens): (f32x8, i32x8) = (cast(*ends.0), cast(*ends.1));
        let token = self.splat_i32x8(token.cast_signed());
        let length = self.avx2._mm256_sub_epi32(cast(tokens), cast(token));
        let longest = cast(self.splat_i32x8(longest.cast_signed()));
        let short = self.avx2._mm256_cmpgt_epi32(longest, length);
        let before = self
            .avx2
            ._mm256_cmpgt_epi32(cast(self.splat_i32x8(0)), length);
        let is_span = self.avx2._mm256_andnot_si256(before, short);
        let start = self.splat_f32x8(start);
        let sums = self.avx._mm256_add_ps(cast(start), cast(logits));
        let lowest = cast(self.splat_f32x8(f32::NEG_INFINITY));
        cast(self.avx._mm256_blendv_ps(lowest, sums, cast(is_span)))
    }
    #[inline(always)]
    fn counts(self, counts: i32x8) -> [u32; MOST_LANES] {
        let half: [u32; 8] = cast(counts);
        let mut all = [0; MOST_LANES];
        for (slot, count) in all.iter_mut().zip(half) {
            *slot = count;
        }
        all
    }
}

impl Lanes<f32> for V4 {
    type Vector = f32x16;
    type Counts = i32x16;
    const WIDTH: usize = 16;

    #[inline(always)]
    fn vectors(row: &[f32]) -> (&[f32x16], &[f32]) {
        Self::as_simd_f32s(row)
    }
    #[inline(always)]
    fn vectors_mut(row: &mut [f32]) -> (&mut [f32x16], &mut [f32]) {
        Self::as_mut_simd_f32s(row)
    }
    #[inline(always)]
    fn splat(self, value: f32) -> f32x16 {
        self.splat_f32x16(value)
    }
    #[inline(always)]
    fn larger(self, value: f32x16, known: f32x16) -> f32x16 {
        cast(self.avx512f._mm512_max_ps(cast(value), cast(known)))
    }
    #[inline(always)]
    fn largest(self, values: f32x16) -> f32 {
        self.reduce_max_f32s(values)
    }
    #[inline(always)]
    fn largest_counted(self, values: f32x16, counts: i32x16, least: u32) -> f32 {
        let least = self.splat_i32x16(least.cast_signed().wrapping_sub(1));
        let counted = self
            .avx512f
            ._mm512_cmpgt_epi32_mask(cast(counts), cast(least));
        let lowest = self.splat_f32x16(f32::NEG_INFINITY);
        let kept = self
            .avx512f
            ._mm512_mask_blend_ps(counted, cast(lowest), cast(values));
        self.reduce_max_f32s(cast(kept))
    }
    #[inline(always)]
    fn count_not_below(self, counts: i32x16, other: f32, values: f32x16) -> i32x16 {
        let mask = self.cmp_ge_f32x16(self.splat_f32x16(other), values).0;
        count_masked(self, counts, mask)
    }
    #[inline(always)]
    fn not_below(self, values: f32x16, bound: f32x16) -> u32 {
        self.cmp_not_lt_f32x16(values, bound).0.into()
    }
    #[inline(always)]
    fn above(self, values: f32x16, bound: f32x16) -> u32 {
        self.cmp_gt_f32x16(values, bound).0.into()
    }
    #[inline(always)]
    fn equal(self, values: f32x16, other: f32x16) -> u32 {
        self.cmp_eq_f32x16(values, other).0.into()
    }
    #[inline(always)]
    fn unordered(self, values: f32x16, others: f32x16) -> u32 {
        let not_below = self.cmp_not_lt_f32x16(values, others).0;
        let ordered = self.cmp_ge_f32x16(values, others).0;
        (not_below & !ordered).into()
    }
    #[inline(always)]
    fn compress(self, bits: u32, first: u32, values: f32x16, to: Kept<'_, f32>) {
        let first = cast(self.splat_i32x16(first.cast_signed()));
        let positions = self.avx512f._mm512_add_epi32(first, cast(NUMBERS));
        let bits = bits as u16;
        *to.0 = cast(self.avx512f._mm512_maskz_compress_epi32(bits, positions));
        *to.1 = cast(self.avx512f._mm512_maskz_compress_ps(bits, cast(values)));
    }
    #[inline(always)]
    fn no_counts(self) -> i32x16 {
        self.splat_i32x16(0)
    }
    #[inline(always)]
    fn count_above(self, counts: i32x16, other: f32, values: f32x16) -> i32x16 {
        let mask = self.cmp_gt_f32x16(self.splat_f32x16(other), values).0;
        count_masked(self, counts, mask)
    }
    #[inline(always)]
    fn span_sums(self, start: f32, token: u32, longest: u32, ends: Ends<'_, f32>) -> [f32; 8] {
        // Ends fill eight lanes more often than sixteen.
        <V3 as Lanes<f32>>::span_sums(*self, start, token, longest, ends)
    }
    #[inline(always)]
    fn counts(self, counts: i32x16) -> [u32; MOST_LANES] {
        cast(counts)
    }
}

#[inline(always)]
fn count_masked(simd: V4, counts: i32x16, mask: u16) -> i32x16 {
    let one = cast(simd.splat_i32x16(1));
    cast(
        simd.avx512f
            ._mm512_mask_add_epi32(cast(counts), mask, cast(counts), one),
    )
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use proptest::prelude::*;

    use super::*;
    use crate::lanes::{Operation, Plain, With};
    use crate::maximum::{first_maximum_of, maximum_of};
    use crate::topk::{Choose, TopScratch, select};

    /// All that the search does on lanes, on one row.
    #[derive(Clone, Copy)]
    struct Everything<'a> {
        row: &'a [f32],
        n: usize,
        longest: u32,
    }

    type Found = (
        [Result<Vec<u32>, usize>; 2],
        Result<f32, usize>,
        Result<Option<(f32, u32)>, usize>,
        Vec<[f32; 8]>,
    );

    impl Operation<f32> for Everything<'_> {
        type Output = Found;

        fn run<L: Lanes<f32>>(self, lanes: L) -> Found {
            let top = |row: &[f32], choose| {
                let mut out = Vec::new();
                let mut scratch = TopScratch::default();
                select(lanes, row, self.n, choose, &mut scratch, &mut out).map(|()| out)
            };
            let numbers: Vec<f32> = self
                .row
                .iter()
                .copied()
                .filter(|value| !value.is_nan())
                .collect();
            let tokens: [u32; 8] = [0, 9, 3, u32::MAX, 12, 4, 5, 30];
            let sums = numbers
                .as_chunks()
                .0
                .iter()
                .map(|ends| {
                    lanes.span_sums(ends[0].clamp(-9.0, 9.0), 4, self.longest, (ends, &tokens))
                })
                .collect();
            (
                [top(self.row, Choose::All), top(&numbers, Choose::Finite)],
                maximum_of(lanes, self.row),
                first_maximum_of(lanes, self.row),
                sums,
            )
        }
    }

    proptest! {
        #[test]
        fn every_cpu_finds_the_same(
            row in prop::collection::vec(prop_oneof![
                20 => -5.0_f32..5.0,
                20 => (-3_i8..4).prop_map(f32::from),
                5 => Just(f32::NEG_INFINITY), 1 => Just(f32::INFINITY), 1 => Just(-0.0),
            ], 0..500),
            nan in prop::option::weighted(0.1, 0_usize..500),
            n in 0_usize..60,
            longest in 1_u32..40,
        ) {
            let mut row = row;
            if let Some(slot) = nan.and_then(|at| row.get_mut(at)) {
                *slot = f32::NAN;
            }
            let everything = Everything { row: &row, n, longest };
            let plain = everything.run(Plain);
            if let Some(simd) = V3::try_new() {
                let found = Simd::vectorize(simd, With(everything, simd, PhantomData));
                prop_assert_eq!(&found, &plain);
            }
            if let Some(simd) = V4::try_new() {
                let found = Simd::vectorize(simd, With(everything, simd, PhantomData));
                prop_assert_eq!(&found, &plain);
            }
        }
    }
}
