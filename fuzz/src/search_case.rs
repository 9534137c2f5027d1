//! A search as a reader would describe it: windows with their tokens and logits, and the switches.
use arbitrary::{Result, Unstructured};
use fastqa_core::params::{Candidates, Decision, Fallback, NanPolicy, NullAggregation, SpanParams};

use crate::logits::{Precision, row};

/// What `offset_mapping` has for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// `None`.
    Missing,
    /// `[]`
    Empty,
    /// One number.
    Short(i64),
    /// Two negative numbers.
    Negative(i64, i64),
    /// First character, and one past the last.
    Context(i64, i64),
}

/// One window.
#[derive(Debug, Clone)]
pub struct WindowCase {
    pub example: usize,
    pub start: Vec<f64>,
    pub end: Vec<f64>,
    pub tokens: Vec<Token>,
    pub input_ids: Vec<i64>,
    /// `token_is_max_context`, where the window has it.
    pub flags: Option<Vec<bool>>,
}

/// Where the null answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullAt {
    First,
    /// The first token of `input_ids` that is this.
    Token(i64),
    /// Given for each window: the position of that token, found here.
    Given(i64),
}

#[derive(Debug, Clone)]
pub struct Case {
    pub params: SpanParams,
    pub precision: Precision,
    pub examples: usize,
    pub windows: Vec<WindowCase>,
    pub null_at: NullAt,
    /// Code points of each example's context; `None`: the engine is not given the contexts.
    pub contexts: Option<Vec<String>>,
    pub ids: Option<Vec<String>>,
    /// Flags per window in the array of `token_is_max_context`; `None`: no such column.
    pub flag_width: Option<usize>,
}

const CLS: i64 = 101;

impl WindowCase {
    /// Position of the null answer, if the window has one.
    pub fn null_token(&self, null_at: NullAt) -> Option<usize> {
        match null_at {
            NullAt::First => Some(0),
            NullAt::Token(id) | NullAt::Given(id) => {
                self.input_ids.iter().position(|&token| token == id)
            }
        }
    }
}

pub fn any(input: &mut Unstructured<'_>) -> Result<Case> {
    let params = params(input)?;
    let precision = Precision::any(input)?;
    let examples = input.int_in_range(1..=4)?;
    let null_at = match input.int_in_range(0..=3)? {
        0 | 1 => NullAt::First,
        2 => NullAt::Token(CLS),
        _ => NullAt::Given(CLS),
    };
    let contexts = if input.ratio(3, 4)? {
        let context = |input: &mut Unstructured<'_>| -> Result<String> {
            let letters = ['a', 'é', '漢', '😀'];
            let letter = letters[input.choose_index(4)?];
            let length = if input.ratio(1, 8)? {
                input.int_in_range(0..=100)?
            } else {
                90
            };
            Ok(std::iter::repeat_n(letter, length).collect())
        };
        Some(
            (0..examples)
                .map(|_| context(input))
                .collect::<Result<_>>()?,
        )
    } else {
        None
    };
    let ids = input
        .ratio(1, 2)?
        .then(|| (0..examples).map(|at| format!("q{at}")).collect());
    let same_width = input.ratio(1, 2)?;
    let flags = input.ratio(1, 4)?;
    let strange_offsets = input.ratio(1, 8)?;
    let mut width = length(input, &params)?;
    let mut windows = Vec::new();
    for _ in 0..input.int_in_range(0..=6)? {
        if !same_width {
            width = length(input, &params)?;
        }
        let window = window(input, examples, width, flags, strange_offsets, precision)?;
        windows.push(window);
    }
    let widest = windows
        .iter()
        .map(|window| window.tokens.len())
        .max()
        .unwrap_or_default();
    let flag_width = if flags {
        Some(input.int_in_range(0..=widest + 2)?)
    } else {
        None
    };
    Ok(Case {
        params,
        precision,
        examples,
        windows,
        null_at,
        contexts,
        ids,
        flag_width,
    })
}

/// Length of a row. Every pair of a long row would be slow to check.
fn length(input: &mut Unstructured<'_>, params: &SpanParams) -> Result<usize> {
    let longest = if params.candidates == Candidates::All {
        40
    } else {
        600
    };
    match input.int_in_range(0..=7)? {
        0 => input.int_in_range(0..=3),
        1..=5 => input.int_in_range(4..=24),
        6 => input.int_in_range(24..=longest.min(140)),
        _ => input.int_in_range(24..=longest),
    }
}

fn window(
    input: &mut Unstructured<'_>,
    examples: usize,
    width: usize,
    flags: bool,
    strange_offsets: bool,
    precision: Precision,
) -> Result<WindowCase> {
    let example = input.choose_index(examples)?;
    let (start, end) = (row(input, width, precision)?, row(input, width, precision)?);
    // The offsets may be fewer or more than the logits.
    let tokens = match input.int_in_range(0..=7)? {
        0 => width.saturating_sub(input.int_in_range(0..=3)?),
        1 => width + input.int_in_range(0..=3)?,
        _ => width,
    };
    let question = input.int_in_range(0..=tokens.min(6))?;
    let first_character = input.int_in_range(0..=40)?;
    let mut offsets = Vec::with_capacity(tokens);
    let mut at: i64 = first_character;
    for position in 0..tokens {
        let byte = if position < question {
            0
        } else {
            input.arbitrary::<u8>().unwrap_or(255)
        };
        offsets.push(match byte {
            0..=15 => Token::Missing,
            16..=23 => Token::Empty,
            24..=31 => Token::Short(at),
            32..=39 => Token::Negative(-1, -1),
            40..=47 => Token::Negative(-i64::from(byte), -1),
            48..=55 => Token::Context(at, at),
            56..=63 => Token::Context(0, 0),
            64..=67 if strange_offsets => Token::Context(at + 2, at),
            68..=69 if strange_offsets => Token::Context(at, 1 << 40),
            70 if strange_offsets => Token::Context(i64::MAX, i64::MAX),
            71 if strange_offsets => Token::Negative(i64::MIN, i64::MIN),
            _ => Token::Context(at, (at + 1).min(89)),
        });
        at = (at + 1).min(88);
    }
    let input_ids = match input.int_in_range(0..=15)? {
        0 => vec![7; width],
        1 => Vec::new(),
        2 => [vec![7; width + 2], vec![CLS]].concat(),
        _ => {
            let before = input.int_in_range(0..=width.min(3))?;
            [
                vec![7; before],
                vec![CLS],
                vec![7; width.saturating_sub(before)],
                vec![CLS],
            ]
            .concat()
        }
    };
    let flags = if flags && input.ratio(3, 4)? {
        Some(
            (0..tokens)
                .map(|_| input.arbitrary().unwrap_or(true))
                .collect(),
        )
    } else {
        None
    };
    Ok(WindowCase {
        example,
        start,
        end,
        tokens: offsets,
        input_ids,
        flags,
    })
}

/// The presets of `fastqa.SpanParams`, and any other combination of the switches.
fn params(input: &mut Unstructured<'_>) -> Result<SpanParams> {
    let n_best_size = count(input)?;
    let max_answer_length = count(input)?;
    let mut params = SpanParams {
        n_best_size,
        entries_per_example: if input.ratio(1, 2)? {
            n_best_size
        } else {
            count(input)?
        },
        max_answer_length,
        nan_policy: if input.ratio(1, 2)? {
            NanPolicy::Raise
        } else {
            NanPolicy::NegativeInfinity
        },
        ..SpanParams::default()
    };
    let thresholds = [0.0, 0.1, -1.5, 2.0, f64::INFINITY, f64::NEG_INFINITY, 1e-9];
    match input.int_in_range(0..=9)? {
        0 => {}
        1 | 2 => {
            params.null_in_list = true;
            params.decision = Decision::ScoreDifference;
            params.null_score_diff_threshold = *input.choose(&thresholds)?;
        }
        3 | 4 => {
            params.null_aggregation = NullAggregation::Maximum;
            params.fallback = Fallback::NoText;
            if input.arbitrary()? {
                params.decision = Decision::ScoreAboveNull;
                params.entries_per_example = 1;
            }
        }
        5 => {
            params.null_aggregation = NullAggregation::Maximum;
            params.null_floor = Some(0.0);
            params.only_above_null = true;
            params.fallback = Fallback::NoText;
        }
        _ => {
            params.null_aggregation =
                *input.choose(&[NullAggregation::Minimum, NullAggregation::Maximum])?;
            params.null_floor =
                *input.choose(&[None, None, Some(0.0), Some(-3.0), Some(f64::INFINITY)])?;
            params.only_above_null = input.ratio(1, 4)?;
            params.null_in_list = input.arbitrary()?;
            params.fallback =
                *input.choose(&[Fallback::EmptyWord, Fallback::NoText, Fallback::BeamSearch])?;
            params.decision = *input.choose(&[
                Decision::FirstEntry,
                Decision::ScoreDifference,
                Decision::ScoreAboveNull,
            ])?;
            params.null_score_diff_threshold = *input.choose(&thresholds)?;
        }
    }
    if input.ratio(1, 5)? {
        params.candidates = Candidates::All;
    }
    Ok(params)
}

fn count(input: &mut Unstructured<'_>) -> Result<usize> {
    Ok(match input.int_in_range(0..=9)? {
        0 => 1,
        1..=5 => input.int_in_range(1..=12)?,
        6 => 20,
        7 => input.int_in_range(13..=64)?,
        8 => input.int_in_range(65..=260)?,
        _ => *input.choose(&[1_000_000_000, usize::MAX])?,
    })
}
