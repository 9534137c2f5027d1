//! The largest value of a row, for less than a ranking costs: often all that a window needs.
//!
//! One pass over the row, four vectors side by side; a second one, over what is in the cache by then,
//! where the position is asked for. Every NaN is seen.
use crate::lanes::{Lanes, Operation};
use crate::logit::Logit;

/// The largest value and its position, the first of equals: what [`top_n`] puts first, for less.
/// `None` for a row without values.
///
/// # Errors
/// The position of the first NaN, if the row has one.
pub fn first_maximum<T: Logit>(row: &[T]) -> Result<Option<(T, u32)>, usize> {
    T::dispatch(FirstMaximum(row))
}

struct FirstMaximum<'a, T>(&'a [T]);

impl<T: Logit> Operation<T> for FirstMaximum<'_, T> {
    type Output = Result<Option<(T, u32)>, usize>;

    #[inline(always)]
    fn run<L: Lanes<T>>(self, lanes: L) -> Self::Output {
        first_maximum_of(lanes, self.0)
    }
}

/// [`first_maximum`] inside of an operation.
#[inline(always)]
pub(crate) fn first_maximum_of<T: Logit, L: Lanes<T>>(
    lanes: L,
    row: &[T],
) -> Result<Option<(T, u32)>, usize> {
    let maximum = maximum_of(lanes, row)?;
    Ok(first_equal(lanes, row, maximum).map(|position| (maximum, position)))
}

/// The largest value; minus infinity for a row without values.
///
/// # Errors
/// The position of the first NaN, if the row has one.
pub fn maximum<T: Logit>(row: &[T]) -> Result<T, usize> {
    T::dispatch(Maximum(row))
}

struct Maximum<'a, T>(&'a [T]);

impl<T: Logit> Operation<T> for Maximum<'_, T> {
    type Output = Result<T, usize>;

    #[inline(always)]
    fn run<L: Lanes<T>>(self, lanes: L) -> Self::Output {
        maximum_of(lanes, self.0)
    }
}

/// [`maximum`] inside of an operation.
#[inline(always)]
pub(crate) fn maximum_of<T: Logit, L: Lanes<T>>(lanes: L, row: &[T]) -> Result<T, usize> {
    let lowest = lanes.splat(T::NEGATIVE_INFINITY);
    let mut running = [lowest; 4];
    let mut nan = 0;
    let (vectors, rest) = L::vectors(row);
    let (fours, others) = vectors.as_chunks::<4>();
    for four @ &[a, b, c, d] in fours {
        nan |= lanes.unordered(a, b) | lanes.unordered(c, d);
        for (running, &vector) in running.iter_mut().zip(four) {
            *running = lanes.larger(vector, *running);
        }
    }
    for (running, &vector) in running.iter_mut().zip(others) {
        nan |= lanes.unordered(vector, vector);
        *running = lanes.larger(vector, *running);
    }
    let [a, b, c, d] = running;
    let mut maximum = lanes.largest(lanes.larger(lanes.larger(a, b), lanes.larger(c, d)));
    for &value in rest {
        nan |= u32::from(value.is_nan());
        maximum = if value > maximum { value } else { maximum };
    }
    if nan != 0
        && let Some(position) = first_nan(row)
    {
        return Err(position);
    }
    Ok(maximum)
}

/// The position of the first element that equals `wanted`.
#[inline(always)]
fn first_equal<T: Logit, L: Lanes<T>>(lanes: L, row: &[T], wanted: T) -> Option<u32> {
    let all = lanes.splat(wanted);
    let (vectors, rest) = L::vectors(row);
    let mut first = 0_u32;
    for &vector in vectors {
        let bits = lanes.equal(vector, all);
        if bits != 0 {
            return Some(first.wrapping_add(bits.trailing_zeros()));
        }
        first = first.wrapping_add(L::WIDTH as u32);
    }
    (first..)
        .zip(rest)
        .find(|&(_, &value)| value == wanted)
        .map(|(position, _)| position)
}

/// Read a value of every cache line of two rows, so that both come from memory at once: what follows
/// would wait for the first, and only much later for the second.
pub(crate) fn touch<T: Logit>(first: &[T], second: &[T]) {
    let line = 64 / size_of::<T>().clamp(1, 64);
    for (&a, &b) in first.iter().step_by(line).zip(second.iter().step_by(line)) {
        std::hint::black_box((a, b));
    }
}

/// The position of the first NaN.
pub(crate) fn first_nan<T: Logit>(row: &[T]) -> Option<usize> {
    row.iter().position(|value| value.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_maximum_is_the_first_of_the_largest(
            row in prop::collection::vec(prop_oneof![
                4 => -5.0_f32..5.0,
                4 => (-3_i8..4).prop_map(f32::from),
                1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY), 1 => Just(-0.0),
            ], 0..300),
        ) {
            let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let first = row.iter().position(|&value| value == best);
            prop_assert_eq!(first_maximum(&row), Ok(first.map(|at| (best, at as u32))));
            prop_assert_eq!(maximum(&row), Ok(best));
            let wide: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
            prop_assert_eq!(maximum(&wide), Ok(f64::from(best)));
        }

        #[test]
        fn a_nan_is_reported_where_it_is(mut row in prop::collection::vec(-5.0_f32..5.0, 1..400), at in 0_usize..400) {
            let at = at % row.len();
            row[at] = f32::NAN;
            prop_assert_eq!(first_maximum(&row), Err(at));
            prop_assert_eq!(maximum(&row), Err(at));
        }
    }
}
