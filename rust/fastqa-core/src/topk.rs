//! The n largest values of a row, in order: the innermost loop.
//!
//! Rule: larger value first; equal values, smaller index first. (NumPy's unstable `argsort`, which
//! the references use, orders equal values differently on different CPUs.)
//!
//! Method: G running maxima over the row (element i belongs to group i mod G) are cheap in SIMD; the
//! n-th largest of them is a lower bound for the n-th largest element, because each of those n
//! groups has an element at least that large. A scan keeps the elements not below the bound (about
//! 30 of 384 for n = 20), and these are ranked by counting. Work per row of length L is about
//! L/8 + G²/8 + L/8 + 30²/4 vector operations, without a branch that depends on the data.
use pulp::{Arch, Simd, WithSimd};

use crate::logit::Logit;

/// Space that is used again from row to row.
#[derive(Default)]
pub struct TopScratch<T: Logit> {
    keys: Vec<T::Key>,
}

/// Write into `out` the positions of the `n` largest values of `row`, best first.
///
/// # Errors
/// The position of the first NaN, if the row has one.
pub fn top_n<T: Logit>(
    arch: Arch,
    row: &[T],
    n: usize,
    scratch: &mut TopScratch<T>,
    out: &mut Vec<u32>,
) -> Result<(), usize> {
    arch.dispatch(TopN {
        row,
        n,
        scratch,
        out,
    })
}

/// A struct and not a closure: only so is everything inlined into the function that is compiled for
/// the CPU at hand (a closure stayed outside of it, and SSE2).
struct TopN<'a, T: Logit> {
    row: &'a [T],
    n: usize,
    scratch: &'a mut TopScratch<T>,
    out: &'a mut Vec<u32>,
}

impl<T: Logit> WithSimd for TopN<'_, T> {
    type Output = Result<(), usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        let Self {
            row,
            n,
            scratch,
            out,
        } = self;
        // 1.5 n groups keep both the bound tight and its search short.
        match n {
            0 => {
                out.clear();
                row.iter()
                    .position(|value| value.is_nan())
                    .map_or(Ok(()), Err)
            }
            1..=10 => select::<T, 16>(row, n, scratch, out),
            11..=21 => select::<T, 32>(row, n, scratch, out),
            22..=42 => select::<T, 64>(row, n, scratch, out),
            43..=170 => select::<T, 256>(row, n, scratch, out),
            _ => select::<T, 0>(row, n, scratch, out),
        }
    }
}

#[inline(always)]
fn select<T: Logit, const G: usize>(
    row: &[T],
    n: usize,
    scratch: &mut TopScratch<T>,
    out: &mut Vec<u32>,
) -> Result<(), usize> {
    let bound = if row.len() < 2 * G || G == 0 {
        T::NEGATIVE_INFINITY
    } else {
        lower_bound::<T, G>(row, n)
    };
    if scratch.keys.len() < row.len() {
        scratch.keys.resize(row.len(), T::Key::default());
    }
    let count = survivors(row, bound, &mut scratch.keys)?;
    let keys = scratch.keys.get_mut(..count).unwrap_or_default();
    let wanted = n.min(keys.len());
    out.clear();
    if keys.len() <= 64 {
        out.resize(wanted, 0);
        for &key in keys.iter() {
            // Wrapping: an overflow check in each step would keep this loop from becoming SIMD.
            let rank = keys.iter().fold(0_u32, |rank, &other| {
                rank.wrapping_add(u32::from(other > key))
            });
            if let Some(slot) = out.get_mut(rank as usize) {
                *slot = T::index(key);
            }
        }
    } else {
        if wanted < keys.len() {
            keys.select_nth_unstable_by(wanted, |a, b| b.cmp(a));
        }
        let best = keys.get_mut(..wanted).unwrap_or_default();
        best.sort_unstable_by(|a, b| b.cmp(a));
        out.extend(best.iter().map(|&key| T::index(key)));
    }
    Ok(())
}

/// The n-th largest of G group maxima; `n <= G <= row.len()`.
#[inline(always)]
fn lower_bound<T: Logit, const G: usize>(row: &[T], n: usize) -> T {
    let mut maxima = [T::NEGATIVE_INFINITY; G];
    let blocks = row.chunks_exact(G);
    let rest = blocks.remainder();
    for block in blocks {
        for (maximum, &value) in maxima.iter_mut().zip(block) {
            *maximum = if value > *maximum { value } else { *maximum };
        }
    }
    for (maximum, &value) in maxima.iter_mut().zip(rest) {
        *maximum = if value > *maximum { value } else { *maximum };
    }
    let mut bound = T::NEGATIVE_INFINITY;
    let mut fewest = 0_u32;
    for &candidate in &maxima {
        let greater = maxima.iter().fold(0_u32, |count, &other| {
            count.wrapping_add(u32::from(other > candidate))
        });
        // Of those with fewer than n greater ones, the one with the most greater is the smallest.
        if (greater as usize) < n && greater >= fewest {
            fewest = greater;
            bound = candidate;
        }
    }
    bound
}

/// One comparison that NaN passes too: a NaN must be seen.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord)]
fn not_below<T: Logit>(value: T, bound: T) -> bool {
    !(value < bound)
}

/// Keys of the elements that are not below `bound`, in order of position, to the front of `keys`.
#[inline(always)]
fn survivors<T: Logit>(row: &[T], bound: T, keys: &mut [T::Key]) -> Result<usize, usize> {
    let mut count = 0;
    let mut position = 0_u32;
    let mut has_nan = false;
    for block in row.chunks(8) {
        if block
            .iter()
            .fold(false, |any, &value| any | not_below(value, bound))
        {
            for (offset, &value) in (0_u32..).zip(block) {
                if let Some(slot) = keys.get_mut(count) {
                    *slot = value.key(position + offset);
                }
                has_nan |= value.is_nan();
                count += usize::from(not_below(value, bound));
            }
        }
        position += 8;
    }
    if has_nan {
        return Err(row
            .iter()
            .position(|value| value.is_nan())
            .unwrap_or_default());
    }
    Ok(count)
}

/// The position of the largest value, the first of equals: what [`top_n`] puts first, for less.
///
/// # Errors
/// The position of the first NaN, if the row has one.
pub fn first_maximum<T: Logit>(arch: Arch, row: &[T]) -> Result<Option<u32>, usize> {
    arch.dispatch(FirstMaximum(row))
}

struct FirstMaximum<'a, T>(&'a [T]);

impl<T: Logit> WithSimd for FirstMaximum<'_, T> {
    type Output = Result<Option<u32>, usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        const LANES: usize = 32;
        let row = self.0;
        let mut maxima = [T::NEGATIVE_INFINITY; LANES];
        let mut nan = [false; LANES];
        for block in row.chunks(LANES) {
            for ((maximum, nan), &value) in maxima.iter_mut().zip(&mut nan).zip(block) {
                *maximum = if value > *maximum { value } else { *maximum };
                *nan |= value.is_nan();
            }
        }
        if nan.contains(&true) {
            return Err(row
                .iter()
                .position(|value| value.is_nan())
                .unwrap_or_default());
        }
        let maximum = maxima.iter().fold(T::NEGATIVE_INFINITY, |most, &value| {
            if value > most { value } else { most }
        });
        let mut position = 0_u32;
        for block in row.chunks(LANES) {
            if block
                .iter()
                .fold(false, |any, &value| any | (value == maximum))
            {
                let offset = block
                    .iter()
                    .position(|&value| value == maximum)
                    .unwrap_or_default();
                return Ok(Some(position.wrapping_add(offset as u32)));
            }
            position = position.wrapping_add(LANES as u32);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_sorting(row: &[f32], n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0_u32..).take(row.len()).collect();
        order.sort_by(|&a, &b| row[b as usize].partial_cmp(&row[a as usize]).unwrap());
        order.truncate(n);
        order
    }

    fn top(row: &[f32], n: usize) -> Result<Vec<u32>, usize> {
        let mut out = Vec::new();
        top_n(Arch::new(), row, n, &mut TopScratch::default(), &mut out).map(|()| out)
    }

    proptest! {
        #[test]
        fn the_result_is_that_of_a_stable_sort(
            row in prop::collection::vec(prop_oneof![
                4 => -5.0_f32..5.0,
                4 => (-3_i8..4).prop_map(f32::from),
                1 => Just(-100.0), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY), 1 => Just(-0.0),
            ], 0..700),
            n in prop_oneof![0_usize..50, 0_usize..800],
        ) {
            prop_assert_eq!(top(&row, n), Ok(by_sorting(&row, n)));
            prop_assert_eq!(first_maximum(Arch::new(), &row), Ok(by_sorting(&row, 1).first().copied()));
            let wide: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
            let mut out = Vec::new();
            prop_assert_eq!(top_n(Arch::new(), &wide, n, &mut TopScratch::default(), &mut out), Ok(()));
            prop_assert_eq!(out, by_sorting(&row, n));
        }

        #[test]
        fn a_nan_is_reported_where_it_is(mut row in prop::collection::vec(-5.0_f32..5.0, 1..400), at in 0_usize..400, n in 0_usize..40) {
            let at = at % row.len();
            row[at] = f32::NAN;
            prop_assert_eq!(top(&row, n), Err(at));
            prop_assert_eq!(first_maximum(Arch::new(), &row), Err(at));
        }
    }
}
