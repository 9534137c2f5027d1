//! Bootstrap: sums of the columns over rows drawn with replacement.
//!
//! Every resample has a generator of its own, seeded with its number: the same sums, to the bit,
//! on any number of threads. Ten thousand resamples of SQuAD dev are 10^8 draws, so the generator
//! is four operations a draw and a row's columns lie side by side for one memory access.
//! O(resamples * rows) for up to eight columns at a time; all groups of columns see the same
//! draws.
use crate::Error;
use crate::memory::filled;
use crate::parallel::{Between, map_in_pool};

/// Resamples at a time.
const BLOCK: usize = 100_000;

/// Sums of each column over `rows` rows drawn with replacement, `resamples` times.
///
/// `values` is row by row, `columns` to a row. The result is resample by resample.
///
/// # Errors
/// [`Error::Value`] when `values` is not whole rows or there is none; [`Error::Memory`] when the
/// result does not fit; what `between` returned.
pub fn resample_sums(
    values: &[f64],
    columns: usize,
    resamples: usize,
    seed: u64,
    between: Between<'_>,
) -> Result<Vec<f64>, Error> {
    if columns == 0 || values.is_empty() || !values.len().is_multiple_of(columns) {
        return Err(Error::value(format!(
            "values must be whole rows of {columns} columns and at least one row, got {} values",
            values.len()
        )));
    }
    let mut sums = filled(0.0, resamples.saturating_mul(columns), "sums of resamples")?;
    let mut first = 0;
    while first < columns {
        // The same draws for every group of columns: a group starts its generators anew.
        let width = match columns - first {
            1 | 2 => pass::<2>(values, columns, first, seed, &mut sums, between)?,
            3 | 4 => pass::<4>(values, columns, first, seed, &mut sums, between)?,
            _ => pass::<8>(values, columns, first, seed, &mut sums, between)?,
        };
        first += width;
    }
    Ok(sums)
}

/// Sums of up to `LANES` columns from `first` on; rows are padded with zeros to a power of two.
fn pass<const LANES: usize>(
    values: &[f64],
    columns: usize,
    first: usize,
    seed: u64,
    sums: &mut [f64],
    between: Between<'_>,
) -> Result<usize, Error> {
    let rows: Vec<[f64; LANES]> = values
        .chunks_exact(columns)
        .map(|row| {
            let mut lanes = [0.0; LANES];
            lanes
                .iter_mut()
                .zip(row.iter().skip(first))
                .for_each(|(to, &from)| *to = from);
            lanes
        })
        .collect();
    // In blocks, so that the results of the threads stay small beside the sums.
    for (block, sums) in sums.chunks_mut(BLOCK.saturating_mul(columns)).enumerate() {
        let draw = |(): &mut (), place: usize| {
            Ok(one(
                &rows,
                Generator::new(seed, (block * BLOCK + place) as u64),
            ))
        };
        let totals = map_in_pool(sums.len() / columns, 2, between, || (), draw)?;
        for (sums, total) in sums.chunks_mut(columns).zip(totals) {
            sums.iter_mut()
                .skip(first)
                .zip(total)
                .for_each(|(to, from)| *to = from);
        }
    }
    Ok(LANES)
}

fn one<const LANES: usize>(rows: &[[f64; LANES]], mut generator: Generator) -> [f64; LANES] {
    let mut total = [0.0; LANES];
    for _ in 0..rows.len() {
        if let Some(row) = rows.get(generator.below(rows.len())) {
            total
                .iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += value);
        }
    }
    total
}

/// SplitMix64: passes the usual batteries, and any two seeds give unrelated streams.
struct Generator(u64);

impl Generator {
    fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed);
        let base = mixed.next();
        let mut own = Self(base ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        Self(own.next())
    }

    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform below `bound`; the bias of at most `bound / 2^64` is far below any resampling error.
    #[inline]
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::set_num_threads;

    #[test]
    fn a_column_of_ones_counts_the_draws() {
        let values: Vec<f64> = (0..50)
            .flat_map(|row| [1.0, f64::from(row), 1.0, 0.0, 1.0])
            .collect();
        let sums = resample_sums(&values, 5, 20, 7, &mut |_| Ok(())).unwrap_or_default();
        assert_eq!(sums.len(), 100);
        for row in sums.chunks(5) {
            assert_eq!((row[0], row[2], row[3], row[4]), (50.0, 50.0, 0.0, 50.0));
        }
    }

    #[test]
    fn the_mean_of_the_resamples_is_near_the_mean_of_the_rows() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let sums = resample_sums(&values, 1, 2000, 1, &mut |_| Ok(())).unwrap_or_default();
        let mean = sums.iter().sum::<f64>() / 2000.0 / 1000.0;
        assert!((mean - 499.5).abs() < 1.0, "{mean}");
    }

    #[test]
    fn threads_and_order_of_work_do_not_matter_and_the_seed_does() {
        let values: Vec<f64> = (0..300).map(|row| f64::from(row).sqrt()).collect();
        let sums = |threads, seed| {
            set_num_threads(threads);
            let sums = resample_sums(&values, 2, 64, seed, &mut |_| Ok(()));
            set_num_threads(0);
            sums
        };
        assert_eq!(sums(1, 3), sums(4, 3));
        assert_ne!(sums(1, 3), sums(1, 4));
    }

    #[test]
    fn ragged_rows_are_refused() {
        assert!(resample_sums(&[1.0, 2.0, 3.0], 2, 1, 0, &mut |_| Ok(())).is_err());
        assert!(resample_sums(&[], 1, 1, 0, &mut |_| Ok(())).is_err());
    }
}
