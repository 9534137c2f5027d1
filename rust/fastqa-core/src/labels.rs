//! From an answer's characters to the tokens that a model is trained on.
//!
//! For each window: the tokens that hold the answer, or its null position twice when it does not
//! hold all of it. O(tokens), in one pass from each end. The start is never after the end.
use crate::Error;

/// Windows to be labelled; tokens of window `w` are `starts[w]..starts[w + 1]`.
#[derive(Debug, Clone, Copy)]
pub struct LabelInput<'a> {
    /// Token ids of all windows.
    pub input_ids: &'a [i32],
    /// Character span in the context of each token, two numbers per token.
    pub offsets: &'a [i32],
    /// Where each window starts, and the total length last.
    pub starts: &'a [i64],
    /// First and past-the-last context token of each window, two numbers per window.
    pub context_span: &'a [i64],
    /// The example of each window.
    pub example: &'a [i64],
    /// First character of each example's answer, negative for "no answer".
    pub answer_start: &'a [i64],
    /// Past-the-last character of each example's answer.
    pub answer_end: &'a [i64],
}

/// First and last token of an answer among one window's context tokens, `None` when the window
/// does not hold all of it.
///
/// Both ends are found as in the Hugging Face notebook: the start is the last token that begins at
/// or before the answer, the end the first one that ends at or after it. The notebook's start walks
/// on out of the context when the answer lies in its last token, and when a character has several
/// tokens (byte-level vocabularies) its start and end cross. Here a crossed pair becomes the tokens
/// that overlap the answer.
pub fn answer_tokens(offsets: &[[i32; 2]], start: i64, end: i64) -> Option<(usize, usize)> {
    let begin = |token: &[i32; 2]| i64::from(token[0]);
    let stop = |token: &[i32; 2]| i64::from(token[1]);
    let (first, last) = (offsets.first()?, offsets.last()?);
    if start < 0 || begin(first) > start || stop(last) < end {
        return None;
    }
    let count = offsets.len();
    let after = offsets
        .iter()
        .position(|token| begin(token) > start)
        .unwrap_or(count);
    let before = offsets
        .iter()
        .rposition(|token| stop(token) < end)
        .map_or(0, |token| token + 1);
    let (first_token, last_token) = (after.saturating_sub(1), before.min(count - 1));
    if first_token <= last_token {
        return Some((first_token, last_token));
    }
    let first_token = offsets
        .iter()
        .position(|token| stop(token) > start)
        .unwrap_or(first_token);
    let last_token = offsets
        .iter()
        .rposition(|token| begin(token) < end)
        .unwrap_or(first_token);
    Some((first_token, last_token.max(first_token)))
}

/// Start and end label of every window, counted in tokens from the start of the window.
///
/// A window without the whole answer gets its null position twice: the first token whose id is
/// `null_tokens[0]`, else the first with the next id, else 0.
///
/// # Errors
/// [`Error::Value`] when the arrays do not fit together.
pub fn label_windows(
    input: &LabelInput<'_>,
    null_tokens: &[i32],
) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let (offsets, rest) = input.offsets.as_chunks::<2>();
    let fitting = rest.is_empty()
        && offsets.len() == input.input_ids.len()
        && input.starts.len() == input.example.len() + 1
        && input.context_span.len() == 2 * input.example.len()
        && input.answer_start.len() == input.answer_end.len();
    if !fitting {
        return Err(Error::value(
            "windows, offsets and answers have different lengths",
        ));
    }
    let mut starts = Vec::with_capacity(input.example.len());
    let mut ends = Vec::with_capacity(input.example.len());
    for (window, &example) in input.example.iter().enumerate() {
        let bad = || Error::value(format!("feature {window}: its bounds are out of range"));
        let index = |number: i64| usize::try_from(number).map_err(|_| bad());
        let bounds = index(input.starts[window])?..index(input.starts[window + 1])?;
        let row = offsets.get(bounds.clone()).ok_or_else(bad)?;
        let context_start = index(input.context_span[2 * window])?;
        let context_end = index(input.context_span[2 * window + 1])?;
        let context = row.get(context_start..context_end).ok_or_else(bad)?;
        let example = index(example)?;
        let answer_start = *input.answer_start.get(example).ok_or_else(bad)?;
        let answer_end = input.answer_end[example];
        let (start, end) = match answer_tokens(context, answer_start, answer_end) {
            Some((start, end)) => (start + context_start, end + context_start),
            None => {
                let null = null_position(&input.input_ids[bounds], null_tokens);
                (null, null)
            }
        };
        starts.push(start as i64);
        ends.push(end as i64);
    }
    Ok((starts, ends))
}

fn null_position(input_ids: &[i32], null_tokens: &[i32]) -> usize {
    let place = |wanted: &i32| input_ids.iter().position(|token| token == wanted);
    null_tokens.iter().find_map(place).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_the_tokens_it_covers() {
        let offsets = [[0, 4], [5, 9], [9, 10], [11, 14]];
        assert_eq!(answer_tokens(&offsets, 5, 10), Some((1, 2)));
        assert_eq!(answer_tokens(&offsets, 6, 8), Some((1, 1)));
        assert_eq!(answer_tokens(&offsets, 11, 14), Some((3, 3)));
    }

    #[test]
    fn an_answer_that_the_window_cuts_has_no_tokens() {
        let offsets = [[5, 9], [9, 10]];
        assert_eq!(answer_tokens(&offsets, 4, 9), None);
        assert_eq!(answer_tokens(&offsets, 9, 11), None);
        assert_eq!(answer_tokens(&offsets, -1, 0), None);
        assert_eq!(answer_tokens(&[], 0, 1), None);
    }

    #[test]
    fn the_pieces_of_one_character_do_not_cross() {
        let offsets = [[0, 1], [1, 2], [1, 2], [1, 2], [2, 3]];
        assert_eq!(answer_tokens(&offsets, 1, 2), Some((1, 3)));
    }

    #[test]
    fn an_empty_answer_has_one_token() {
        let offsets = [[0, 4], [5, 9]];
        assert_eq!(answer_tokens(&offsets, 5, 5), Some((1, 1)));
        assert_eq!(answer_tokens(&offsets, 0, 0), Some((0, 0)));
    }

    #[test]
    fn a_window_without_the_answer_points_at_its_null_token() {
        let input = LabelInput {
            input_ids: &[7, 101, 8, 9, 101],
            offsets: &[0, 0, 0, 0, 0, 3, 4, 6, 0, 0],
            starts: &[0, 5],
            context_span: &[2, 4],
            example: &[0],
            answer_start: &[40],
            answer_end: &[44],
        };
        assert_eq!(label_windows(&input, &[101]), Ok((vec![1], vec![1])));
        assert_eq!(label_windows(&input, &[55, 8]), Ok((vec![2], vec![2])));
        assert_eq!(label_windows(&input, &[55]), Ok((vec![0], vec![0])));
        let unfitting = LabelInput {
            starts: &[0, 9],
            ..input
        };
        assert!(label_windows(&unfitting, &[101]).is_err());
    }
}
