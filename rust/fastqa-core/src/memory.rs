//! Memory whose size a caller chose: too much of it is an error, not the end of the process.
//!
//! Cost: one allocation, and writing it once. Invariant: what grows with a number that the caller typed
//! (resamples, examples) is allocated here; what grows with data that is at hand need not be.
use crate::Error;

/// `count` copies of `value`.
///
/// # Errors
/// [`Error::Memory`], naming `what` there are so many of, when they do not fit.
pub fn filled<T: Clone>(value: T, count: usize, what: &str) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| {
        Error::Memory(format!(
            "no memory for {count} {what} of {} bytes",
            size_of::<T>()
        ))
    })?;
    values.resize(count, value);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(filled(7_u8, 3, "values"), Ok(vec![7, 7, 7]));
        assert_eq!(
            filled(0_u64, usize::MAX, "values"),
            Err(Error::Memory(format!(
                "no memory for {} values of 8 bytes",
                usize::MAX
            )))
        );
    }
}
