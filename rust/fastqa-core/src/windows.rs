//! From tokenized questions and contexts to the windows (features) that a model reads.
//!
//! A context is tokenized once, however many questions it has; a window is then copies of ranges:
//! special tokens, question, special tokens, a piece of the context, special tokens. This is what
//! the tokenizers library builds per question with `truncation="only_second"` and overflow.
use crate::Error;
use crate::template::{Padding, Template, Windows, to_i64};

/// Questions that leave the context no room are cut to at most this many tokens: the
/// `max_query_length` of BERT's `run_squad` and of the transformers 4 pipeline.
pub const CUT_QUESTION_LENGTH: usize = 64;

/// Tokenized texts end to end: text `i` is `ids[starts[i]..starts[i + 1]]`.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// Token ids of all texts.
    pub ids: &'a [i32],
    /// Where each text starts, and the total length last.
    pub starts: &'a [i64],
}

/// The shape of windows.
#[derive(Debug, Clone, Copy)]
pub struct WindowParams {
    /// Tokens of a window, special tokens included (default 384).
    pub max_length: usize,
    /// Context tokens that neighbouring windows share (default 128). With `hop` set: ignored.
    pub doc_stride: usize,
    /// Distance between the starts of neighbouring windows, in context tokens (default none).
    pub hop: Option<usize>,
    /// Cut every question to this many tokens (default none: only those that leave no room).
    pub max_question_length: Option<usize>,
    /// Padding to `max_length` (default none).
    pub padding: Option<Padding>,
}

impl<'a> Texts<'a> {
    fn check(&self, name: &str) -> Result<(), Error> {
        let rising = self.starts.windows(2).all(|pair| pair[0] <= pair[1]);
        let whole = self.starts.first() == Some(&0)
            && self
                .starts
                .last()
                .is_some_and(|&last| usize::try_from(last) == Ok(self.ids.len()));
        if rising && whole {
            return Ok(());
        }
        Err(Error::value(format!(
            "{name}: starts do not divide {} tokens",
            self.ids.len()
        )))
    }

    /// The token range of text `index`; empty when there is no such text.
    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let bound = |at: usize| {
            self.starts
                .get(at)
                .and_then(|&start| usize::try_from(start).ok())
        };
        bound(index).unwrap_or(0)..bound(index + 1).unwrap_or(0)
    }

    fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// Build the windows of every example, in the order of the examples and of the text.
///
/// Example `i` is question `i` on context `context_of[i]`; `context_offsets` holds two character
/// positions per context token.
///
/// # Errors
/// [`Error::Value`] when `max_length` leaves no room, or arrays do not fit together.
pub fn assemble(
    questions: Texts<'_>,
    contexts: Texts<'_>,
    context_offsets: &[i32],
    context_of: &[i64],
    template: &Template<'_>,
    params: &WindowParams,
) -> Result<Windows, Error> {
    questions.check("questions")?;
    contexts.check("contexts")?;
    if questions.len() != context_of.len() || context_offsets.len() != 2 * contexts.ids.len() {
        return Err(Error::value(
            "questions, contexts and offsets have different lengths",
        ));
    }
    let free = room_for_texts(template, params)?;
    let overlap = if params.hop.is_some() {
        0
    } else {
        params.doc_stride
    };
    let padding = params.padding.map(|padding| (padding, params.max_length));
    let mut windows = Windows {
        starts: vec![0],
        ..Windows::default()
    };
    for (example, &context) in context_of.iter().enumerate() {
        let context = usize::try_from(context)
            .ok()
            .filter(|&index| index < contexts.len())
            .ok_or_else(|| Error::value(format!("example {example}: no context {context}")))?;
        let context = contexts.range(context);
        let mut question = questions.range(example);
        let mut length = question
            .len()
            .min(params.max_question_length.unwrap_or(usize::MAX));
        if length + context.len() > free && free.saturating_sub(length) <= overlap {
            length = length.min(CUT_QUESTION_LENGTH).min((free - overlap) / 2);
        }
        if length < question.len() {
            windows.cut_questions += 1;
            question.end = question.start + length;
        }
        let room = free - length;
        let hop = params
            .hop
            .unwrap_or(room.saturating_sub(overlap))
            .clamp(1, room.max(1));
        let mut start = context.start;
        loop {
            let piece = start..context.end.min(start.saturating_add(room));
            windows.push(
                &questions.ids[question.clone()],
                &contexts.ids[piece.clone()],
                &context_offsets[2 * piece.start..2 * piece.end],
                template,
                padding,
            )?;
            windows.example.push(to_i64(example)?);
            if piece.end >= context.end {
                break;
            }
            start += hop;
        }
    }
    Ok(windows)
}

/// Tokens of a window that are not special, after checking that they are enough.
fn room_for_texts(template: &Template<'_>, params: &WindowParams) -> Result<usize, Error> {
    let special = template.special_tokens();
    let free = params.max_length.saturating_sub(special);
    let overlap = if params.hop.is_some() {
        0
    } else {
        params.doc_stride
    };
    if params.hop == Some(0) {
        return Err(Error::value(
            "the hop between windows must be at least 1, got 0",
        ));
    }
    if free <= overlap.saturating_add(1) {
        return Err(Error::value(format!(
            "max_length={} leaves no room: {special} special tokens and doc_stride={overlap} \
             shared context tokens, and at least 2 more are needed; raise max_length or lower \
             doc_stride",
            params.max_length
        )));
    }
    match params.max_question_length {
        Some(limit) if limit >= free - overlap => Err(Error::value(format!(
            "max_question_length={limit} leaves no room for context in max_length={}: at most {} \
             will do",
            params.max_length,
            free - overlap - 1
        ))),
        _ => Ok(free),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Specials;
    use proptest::prelude::*;

    const CLS: i32 = 101;
    const SEP: i32 = 102;

    fn template(context_first: bool) -> Template<'static> {
        Template {
            prefix: Specials {
                ids: &[CLS],
                type_ids: &[0],
            },
            middle: Specials {
                ids: &[SEP],
                type_ids: &[0],
            },
            suffix: Specials {
                ids: &[SEP],
                type_ids: &[1],
            },
            question_type: 0,
            context_type: 1,
            context_first,
        }
    }

    fn params(max_length: usize, doc_stride: usize) -> WindowParams {
        WindowParams {
            max_length,
            doc_stride,
            hop: None,
            max_question_length: None,
            padding: None,
        }
    }

    fn one(
        question: usize,
        context: usize,
        context_first: bool,
        params: &WindowParams,
    ) -> Result<Windows, Error> {
        let question: Vec<i32> = (0..question).map(|token| 1_000 + token as i32).collect();
        let context: Vec<i32> = (0..context).map(|token| 2_000 + token as i32).collect();
        let offsets: Vec<i32> = (0..context.len())
            .flat_map(|at| [at as i32, at as i32 + 1])
            .collect();
        let (first, second) = ([0, question.len() as i64], [0, context.len() as i64]);
        assemble(
            Texts {
                ids: &question,
                starts: &first,
            },
            Texts {
                ids: &context,
                starts: &second,
            },
            &offsets,
            &[0],
            &template(context_first),
            params,
        )
    }

    #[test]
    fn neighbouring_windows_share_doc_stride_context_tokens() {
        let windows = one(2, 7, false, &params(9, 2)).unwrap_or_default();
        assert_eq!(windows.starts, [0, 9, 18, 26]);
        assert_eq!(
            windows.input_ids[..9],
            [CLS, 1000, 1001, SEP, 2000, 2001, 2002, 2003, SEP]
        );
        assert_eq!(
            windows.input_ids[9..18],
            [CLS, 1000, 1001, SEP, 2002, 2003, 2004, 2005, SEP]
        );
        assert_eq!(
            windows.input_ids[18..],
            [CLS, 1000, 1001, SEP, 2004, 2005, 2006, SEP]
        );
        assert_eq!(windows.context_span, [4, 8, 4, 8, 4, 7]);
    }

    #[test]
    fn left_padding_puts_the_context_first_and_the_pads_before_it() {
        let padding = Some(Padding {
            id: 0,
            type_id: 0,
            left: true,
        });
        let windows = one(
            1,
            2,
            true,
            &WindowParams {
                padding,
                ..params(8, 1)
            },
        )
        .unwrap_or_default();
        assert_eq!(windows.input_ids, [0, 0, CLS, 2000, 2001, SEP, 1000, SEP]);
        assert_eq!(windows.attention_mask, [0, 0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(windows.context_span, [3, 5]);
        assert_eq!(windows.offsets[6..10], [0, 1, 1, 2]);
    }

    #[test]
    fn a_question_that_leaves_no_room_is_cut_and_counted() {
        let windows = one(300, 500, false, &params(384, 128)).unwrap_or_default();
        assert_eq!(windows.cut_questions, 1);
        assert_eq!(windows.context_span[0], 66);
        assert!(matches!(
            one(1, 1, false, &params(6, 2)),
            Err(Error::Value(_))
        ));
    }

    #[test]
    fn a_hop_longer_than_the_room_skips_no_token() {
        let wide = WindowParams {
            hop: Some(1_000),
            ..params(10, 0)
        };
        let windows = one(2, 12, false, &wide).unwrap_or_default();
        let context: Vec<i32> = windows
            .input_ids
            .iter()
            .copied()
            .filter(|&token| token >= 2_000)
            .collect();
        assert_eq!(context, (2_000..2_012).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn every_context_token_is_in_a_window_and_no_window_is_too_long(
            question in 0_usize..80,
            context in 0_usize..200,
            max_length in 8_usize..90,
            doc_stride in 0_usize..20,
            context_first in any::<bool>(),
        ) {
            prop_assume!(max_length >= doc_stride + 5);
            let windows = one(question, context, context_first, &params(max_length, doc_stride));
            let windows = windows.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let mut seen = vec![false; context];
            for (window, bounds) in windows.starts.windows(2).enumerate() {
                let row = &windows.input_ids[bounds[0] as usize..bounds[1] as usize];
                prop_assert!(row.len() <= max_length);
                let span = &windows.context_span[2 * window..2 * window + 2];
                for &token in &row[span[0] as usize..span[1] as usize] {
                    seen[token as usize - 2_000] = true;
                }
            }
            prop_assert!(seen.into_iter().all(|there| there));
        }
    }
}
