//! The n largest values of a row, in order: the innermost loop.
//!
//! Rule: larger value first; equal values, smaller index first. (NumPy's unstable `argsort`, which
//! the references use, orders equal values differently on different CPUs.)
//!
//! Method, without a branch that depends on single values:
//! 1. G running maxima over the row (element i belongs to group i mod G). The n-th largest of them
//!    is a lower bound for the n-th largest element, because each of those n groups has an element
//!    at least that large.
//! 2. One comparison with the bound per element makes a bit mask; its bits are the survivors (about
//!    30 of 384 for n = 20).
//! 3. A survivor's rank is the number of greater ones, counted for two vectors at a time; equal ones
//!    take the places from there on.
//!
//! Cost for a row of L on vectors of 8 (AVX2) or 16 (AVX-512): 2 L + G² + 30² elements' worth of
//! vector operations.
use crate::lanes::{Lanes, MOST_LANES, Operation};
use crate::logit::Logit;
use crate::maximum::first_nan;

/// Up to so many survivors are ranked by counting, more by sorting.
const COUNTED: usize = 64;
/// Groups that the largest n needs.
const MOST_GROUPS: usize = 256;

/// Space that is used again from row to row.
#[derive(Default)]
pub struct TopScratch<T: Logit> {
    maxima: Vec<T>,
    positions: Vec<u32>,
    values: Vec<T>,
    keys: Vec<T::Key>,
}

/// Which elements may be chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choose {
    /// All; a NaN is an error.
    All,
    /// Those above minus infinity; there is no NaN.
    Finite,
}

/// Positions of the largest values of a row, best first.
pub type Top<'a> = &'a mut Vec<u32>;

/// Write into `out` the positions of the `n` largest values of `row`, best first.
///
/// # Errors
/// The position of the first NaN, if the row has one.
pub fn top_n<T: Logit>(
    row: &[T],
    n: usize,
    scratch: &mut TopScratch<T>,
    out: Top<'_>,
) -> Result<(), usize> {
    T::dispatch(TopN {
        row,
        n,
        scratch,
        out,
    })
}

struct TopN<'a, T: Logit> {
    row: &'a [T],
    n: usize,
    scratch: &'a mut TopScratch<T>,
    out: Top<'a>,
}

impl<T: Logit> Operation<T> for TopN<'_, T> {
    type Output = Result<(), usize>;

    #[inline(always)]
    fn run<L: Lanes<T>>(self, lanes: L) -> Self::Output {
        select(lanes, self.row, self.n, Choose::All, self.scratch, self.out)
    }
}

/// [`top_n`] inside of an operation.
#[inline(always)]
pub(crate) fn select<T: Logit, L: Lanes<T>>(
    lanes: L,
    row: &[T],
    n: usize,
    choose: Choose,
    scratch: &mut TopScratch<T>,
    out: Top<'_>,
) -> Result<(), usize> {
    out.clear();
    if n == 0 {
        return first_nan(row).map_or(Ok(()), Err);
    }
    let TopScratch {
        maxima,
        positions,
        values,
        keys,
    } = scratch;
    let bound = lower_bound(lanes, row, n, maxima);
    let count = survivors(lanes, row, bound, choose, (positions, values));
    let positions = positions.get(..count).unwrap_or_default();
    let kept = values.get(..count).unwrap_or_default();
    if kept.iter().fold(false, |any, value| any | value.is_nan())
        && let Some(position) = first_nan(row)
    {
        return Err(position);
    }
    let wanted = n.min(count);
    if count <= COUNTED {
        let mut places = [0; COUNTED];
        rank(lanes, values, positions, &mut places);
        out.extend_from_slice(places.get(..wanted).unwrap_or_default());
        return Ok(());
    }
    keys.clear();
    keys.extend(
        kept.iter()
            .zip(positions)
            .map(|(value, position)| value.key(*position)),
    );
    if wanted < keys.len() {
        keys.select_nth_unstable_by(wanted, |a, b| b.cmp(a));
    }
    let best = keys.get_mut(..wanted).unwrap_or_default();
    best.sort_unstable_by(|a, b| b.cmp(a));
    out.extend(best.iter().map(|&key| T::index(key)));
    Ok(())
}

/// The n-th largest of the maxima of groups, of which there are about 1.5 n: enough to keep the
/// bound tight, few enough to keep its search short. Minus infinity if the row is too short for it.
#[inline(always)]
fn lower_bound<T: Logit, L: Lanes<T>>(lanes: L, row: &[T], n: usize, maxima: &mut Vec<T>) -> T {
    let groups = match n {
        ..=10 => 16,
        11..=21 => 32,
        22..=42 => 64,
        43..=170 => MOST_GROUPS,
        _ => return T::NEGATIVE_INFINITY,
    };
    if row.len() < 2 * groups {
        return T::NEGATIVE_INFINITY;
    }
    if maxima.len() < MOST_GROUPS {
        maxima.resize(MOST_GROUPS, T::NEGATIVE_INFINITY);
    }
    let maxima = maxima.get_mut(..groups).unwrap_or_default();
    match groups / L::WIDTH {
        1 => nth_maximum::<T, L, 1>(lanes, row, n, maxima),
        2 => nth_maximum::<T, L, 2>(lanes, row, n, maxima),
        4 => nth_maximum::<T, L, 4>(lanes, row, n, maxima),
        8 => nth_maximum::<T, L, 8>(lanes, row, n, maxima),
        16 => nth_maximum::<T, L, 16>(lanes, row, n, maxima),
        _ => nth_maximum::<T, L, 32>(lanes, row, n, maxima),
    }
}

/// The same for groups that fill `V` vectors.
#[inline(always)]
fn nth_maximum<T: Logit, L: Lanes<T>, const V: usize>(
    lanes: L,
    row: &[T],
    n: usize,
    maxima: &mut [T],
) -> T {
    let mut running = [lanes.splat(T::NEGATIVE_INFINITY); V];
    // What is left behind the last vectors is not needed: a bound may be lower than it could be.
    for vectors in L::vectors(row).0.as_chunks::<V>().0 {
        for (running, &vector) in running.iter_mut().zip(vectors) {
            *running = lanes.larger(vector, *running);
        }
    }
    for (slot, running) in L::vectors_mut(maxima).0.iter_mut().zip(running) {
        *slot = running;
    }
    let mut reached = [lanes.no_counts(); V];
    for &other in maxima.iter() {
        for (reached, &values) in reached.iter_mut().zip(&running) {
            *reached = lanes.count_not_below(*reached, other, values);
        }
    }
    // The largest that n maxima reach.
    let mut bound = T::NEGATIVE_INFINITY;
    for (reached, values) in reached.into_iter().zip(running) {
        let largest = lanes.largest_counted(values, reached, n as u32);
        bound = if largest > bound { largest } else { bound };
    }
    bound
}

/// Positions and values of the elements that are not below `bound`, in order, and how many. A NaN is
/// not below.
#[inline(always)]
fn survivors<T: Logit, L: Lanes<T>>(
    lanes: L,
    row: &[T],
    bound: T,
    choose: Choose,
    (positions, values): (&mut Vec<u32>, &mut Vec<T>),
) -> usize {
    // Each step writes a whole vector, wherever it begins.
    let room = row.len().saturating_add(MOST_LANES);
    if positions.len() < room {
        positions.resize(room, 0);
    }
    if values.len() < room {
        values.resize(room, T::NEGATIVE_INFINITY);
    }
    let (positions, values) = (positions.as_mut_slice(), values.as_mut_slice());
    let open = choose == Choose::Finite && bound == T::NEGATIVE_INFINITY;
    let limit = lanes.splat(bound);
    let mut count = 0_usize;
    let mut first = 0_u32;
    let (vectors, rest) = L::vectors(row);
    for &vector in vectors {
        let bits = if open {
            lanes.above(vector, limit)
        } else {
            lanes.not_below(vector, limit)
        };
        if let (Some(positions), Some(values)) = (
            positions
                .get_mut(count..)
                .and_then(<[u32]>::first_chunk_mut),
            values.get_mut(count..).and_then(<[T]>::first_chunk_mut),
        ) {
            lanes.compress(bits, first, vector, (positions, values));
        }
        count = count.wrapping_add(bits.count_ones() as usize);
        first = first.wrapping_add(L::WIDTH as u32);
    }
    for &value in rest {
        if let (Some(position), Some(slot)) = (positions.get_mut(count), values.get_mut(count)) {
            (*position, *slot) = (first, value);
        }
        let below = value < bound || (open && value == bound);
        count = count.wrapping_add(usize::from(!below));
        first = first.wrapping_add(1);
    }
    count
}

/// Put the position of each value into the place of its rank; there are [`COUNTED`] places, so that
/// none needs a question whether it is there.
///
/// There may be more `values` than `positions`, up to a whole vector, which do not count. A value's
/// rank is the number of greater ones; equal values take the places from there on, in order of
/// position.
#[inline(always)]
fn rank<T: Logit, L: Lanes<T>>(
    lanes: L,
    values: &[T],
    positions: &[u32],
    out: &mut [u32; COUNTED],
) {
    let count = positions.len();
    let others = values.get(..count).unwrap_or_default();
    let mut ranks = [0_u32; COUNTED];
    let vectors = L::vectors(values)
        .0
        .iter()
        .zip(ranks.chunks_exact_mut(L::WIDTH));
    for (&vector, ranks) in vectors.take(count.div_ceil(L::WIDTH)) {
        let mut above = lanes.no_counts();
        for &other in others {
            above = lanes.count_above(above, other, vector);
        }
        let above = lanes.counts(above);
        ranks.copy_from_slice(above.get(..L::WIDTH).unwrap_or_default());
    }
    let ranks = ranks.get(..count).unwrap_or_default();
    let places = ranks
        .iter()
        .fold(0_u64, |places, &rank| places | 1_u64.wrapping_shl(rank));
    let mut put = |place: u32, position: u32| {
        if let Some(slot) = out.get_mut(place as usize % COUNTED) {
            *slot = position;
        }
    };
    if places.count_ones() as usize == count {
        for (&rank, &position) in ranks.iter().zip(positions) {
            put(rank, position);
        }
        return;
    }
    // Some are equal. Each waits for the one before it here: twice the time of the whole function.
    let mut taken = 0_u64;
    for (&rank, &position) in ranks.iter().zip(positions) {
        let free = (!taken.wrapping_shr(rank)).trailing_zeros();
        let place = rank.wrapping_add(free);
        taken |= 1_u64.wrapping_shl(place);
        put(place, position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct TopFinite<'a> {
        row: &'a [f32],
        n: usize,
        out: &'a mut Vec<u32>,
    }

    impl Operation<f32> for TopFinite<'_> {
        type Output = Result<(), usize>;

        fn run<L: Lanes<f32>>(self, lanes: L) -> Self::Output {
            let mut scratch = TopScratch::default();
            select(
                lanes,
                self.row,
                self.n,
                Choose::Finite,
                &mut scratch,
                self.out,
            )
        }
    }

    fn by_sorting(row: &[f32], n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0_u32..).take(row.len()).collect();
        order.sort_by(|&a, &b| row[b as usize].partial_cmp(&row[a as usize]).unwrap());
        order.truncate(n);
        order
    }

    fn top(row: &[f32], n: usize) -> Result<Vec<u32>, usize> {
        let mut out = Vec::new();
        top_n(row, n, &mut TopScratch::default(), &mut out).map(|()| out)
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
            let finite = by_sorting(&row, n).into_iter().filter(|&at| row[at as usize] > f32::NEG_INFINITY).collect::<Vec<_>>();
            let mut chosen = Vec::new();
            prop_assert_eq!(f32::dispatch(TopFinite { row: &row, n, out: &mut chosen }), Ok(()));
            prop_assert_eq!(chosen, finite);
            let wide: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
            let mut out = Vec::new();
            prop_assert_eq!(top_n(&wide, n, &mut TopScratch::default(), &mut out), Ok(()));
            prop_assert_eq!(out, by_sorting(&row, n));
        }

        #[test]
        fn a_nan_is_reported_where_it_is(mut row in prop::collection::vec(-5.0_f32..5.0, 1..400), at in 0_usize..400, n in 0_usize..40) {
            let at = at % row.len();
            row[at] = f32::NAN;
            prop_assert_eq!(top(&row, n), Err(at));
        }
    }
}
