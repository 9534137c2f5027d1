//! The search restated: every candidate pair of every window in one list, one stable sort.
//!
//! All values are float64 here; `Precision::round` brings results to the precision of the engine.
use fastqa_core::nbest::Kind;
use fastqa_core::params::{Candidates, Decision, Fallback, NanPolicy, NullAggregation, SpanParams};

use crate::logits::Precision;
use crate::search_case::{Case, Token, WindowCase};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    pub kind: Kind,
    pub score: f64,
    pub start_logit: f64,
    pub end_logit: f64,
    pub window: usize,
    pub start_token: usize,
    pub end_token: usize,
    pub start_char: i64,
    pub end_char: i64,
}

/// What is expected of one example.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub entries: Vec<Entry>,
    /// `None`: the empty answer.
    pub predicted: Option<usize>,
    pub null_score: f64,
    pub score_difference: f64,
}

/// A window's candidates in the order in which they are found, and its null candidate (token, start
/// and end logit); `None` for a window without values.
pub struct Found {
    pub null: Option<(usize, f64, f64)>,
    pub pairs: Vec<(usize, f64, usize, f64)>,
}

/// The input is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

pub fn number(value: f64) -> f64 {
    if value.is_nan() {
        f64::NEG_INFINITY
    } else {
        value
    }
}

/// Positions by logit, larger first, equal ones by position; NaN counts as minus infinity.
pub fn ranking(row: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| {
        number(row[b])
            .partial_cmp(&number(row[a]))
            .expect("no NaN is left")
    });
    order
}

pub fn may_start(window: &WindowCase, case: &Case, token: usize) -> bool {
    let allowed = match (case.flag_width, &window.flags) {
        (Some(width), Some(flags)) => token < width && flags.get(token).is_some_and(|&flag| flag),
        _ => true,
    };
    allowed && may_end(window, token)
}

pub fn may_end(window: &WindowCase, token: usize) -> bool {
    matches!(window.tokens.get(token), Some(Token::Context(..)))
}

/// The candidates of logits over the whole row.
pub fn logits(case: &Case, window: &WindowCase) -> Result<Found, Refused> {
    let params = &case.params;
    let null = match window.null_token(case.null_at) {
        Some(at) if at < window.start.len() => Some((at, window.start[at], window.end[at])),
        // A position must be there, even for a window without values.
        None => return Err(Refused),
        Some(_) if window.start.is_empty() => {
            return Ok(Found {
                null: None,
                pairs: Vec::new(),
            });
        }
        Some(_) => return Err(Refused),
    };
    let has_nan = window
        .start
        .iter()
        .chain(&window.end)
        .any(|value| value.is_nan());
    if has_nan && params.nan_policy == NanPolicy::Raise {
        return Err(Refused);
    }
    let order = |row: &[f64]| {
        let mut order = ranking(row);
        match params.candidates {
            Candidates::TopN => order.truncate(params.n_best_size),
            Candidates::All => order.sort_unstable(),
        }
        order
    };
    let ends = order(&window.end);
    let mut pairs = Vec::new();
    for start in order(&window.start) {
        for &end in &ends {
            let fits = end >= start && end - start < params.max_answer_length;
            if fits && may_start(window, case, start) && may_end(window, end) {
                pairs.push((start, window.start[start], end, window.end[end]));
            }
        }
    }
    Ok(Found { null, pairs })
}

/// Every example's list and answer.
pub fn search(
    case: &Case,
    params: &SpanParams,
    found: impl Fn(usize, &WindowCase) -> Result<Found, Refused>,
) -> Result<Vec<Expected>, Refused> {
    (0..case.examples)
        .map(|example| one(case, params, example, &found))
        .collect()
}

fn one(
    case: &Case,
    params: &SpanParams,
    example: usize,
    found: &impl Fn(usize, &WindowCase) -> Result<Found, Refused>,
) -> Result<Expected, Refused> {
    let precision = case.precision;
    let sum = |a: f64, b: f64| number(precision.round(a + b));
    let mut null_score = params.null_floor.map(|floor| precision.round(floor));
    let mut null: Option<Entry> = None;
    let mut pool = Vec::new();
    let mut windows = 0;
    for (index, window) in case.windows.iter().enumerate() {
        if window.example != example {
            continue;
        }
        windows += 1;
        let found = found(index, window)?;
        let entry = |kind, start_token, start_logit, end_token, end_logit| Entry {
            kind,
            score: sum(start_logit, end_logit),
            start_logit,
            end_logit,
            window: index,
            start_token,
            end_token,
            start_char: 0,
            end_char: 0,
        };
        if let Some((token, start, end)) = found.null {
            let (start, end) = (number(start), number(end));
            let candidate = entry(Kind::Null, token, start, token, end);
            let better = null_score.is_none_or(|known| match params.null_aggregation {
                NullAggregation::Minimum => candidate.score < known,
                NullAggregation::Maximum => candidate.score > known,
            });
            if better {
                null_score = Some(candidate.score);
                null = Some(candidate);
            }
        }
        let floor = null_score.filter(|_| params.only_above_null);
        for (start, start_logit, end, end_logit) in found.pairs {
            let (start_logit, end_logit) = (number(start_logit), number(end_logit));
            let mut span = entry(Kind::Span, start, start_logit, end, end_logit);
            let (Some(&Token::Context(first, _)), Some(&Token::Context(_, last))) =
                (window.tokens.get(start), window.tokens.get(end))
            else {
                unreachable!("only tokens of the context are candidates");
            };
            (span.start_char, span.end_char) = (first, last);
            if floor.is_none_or(|floor| span.score > floor) {
                pool.push(span);
            }
        }
    }
    if windows == 0 && params.fallback != Fallback::BeamSearch {
        let entry = plain(Kind::Null, 0.0);
        let (null_score, score_difference) = (0.0, 0.0);
        return Ok(Expected {
            entries: vec![entry],
            predicted: None,
            null_score,
            score_difference,
        });
    }
    let limit = params.entries_per_example;
    let by_score =
        |a: &Entry, b: &Entry| b.score.partial_cmp(&a.score).expect("scores are numbers");
    pool.sort_by(by_score);
    pool.truncate(limit);
    check_characters(case, example, &pool)?;
    if let Some(null) = null.filter(|_| params.null_in_list) {
        pool.push(null);
        pool.sort_by(by_score);
        pool.truncate(limit);
        if !pool
            .iter()
            .any(|entry| (entry.start_char, entry.end_char) == (0, 0))
        {
            pool.push(null);
        }
    }
    let mut null_score = null_score.unwrap_or_default();
    let without_text = pool.len() < 2 && pool.iter().all(|entry| !has_text(entry, params));
    match params.fallback {
        Fallback::EmptyWord if without_text => pool.insert(0, plain(Kind::Fallback, 0.0)),
        Fallback::NoText if pool.is_empty() => pool.push(plain(Kind::Fallback, 0.0)),
        Fallback::BeamSearch if pool.is_empty() => {
            let mut entry = plain(Kind::Fallback, precision.round(-1e-6));
            entry.score = precision.round(2.0 * entry.start_logit);
            pool.push(entry);
            null_score = precision.round(-2e-6);
        }
        _ => {}
    }
    Ok(decide(pool, null_score, params, precision))
}

fn plain(kind: Kind, logit: f64) -> Entry {
    Entry {
        kind,
        score: 0.0,
        start_logit: logit,
        end_logit: logit,
        window: 0,
        start_token: 0,
        end_token: 0,
        start_char: 0,
        end_char: 0,
    }
}

fn has_text(entry: &Entry, params: &SpanParams) -> bool {
    match entry.kind {
        Kind::Span => entry.end_char > entry.start_char,
        Kind::Null => false,
        Kind::Fallback => params.fallback == Fallback::EmptyWord,
    }
}

/// Offsets that make no sense are an error where they would be shown.
fn check_characters(case: &Case, example: usize, entries: &[Entry]) -> Result<(), Refused> {
    let limit = case
        .contexts
        .as_ref()
        .map_or(i64::from(u32::MAX), |contexts| {
            contexts[example].chars().count() as i64
        });
    let fits = |entry: &Entry| entry.start_char <= entry.end_char && entry.end_char <= limit;
    if entries.iter().all(fits) {
        Ok(())
    } else {
        Err(Refused)
    }
}

fn decide(
    entries: Vec<Entry>,
    null_score: f64,
    params: &SpanParams,
    precision: Precision,
) -> Expected {
    let minus = |a: f64, b: f64| precision.round(a - b);
    let best = entries[0];
    let with_text = entries.iter().position(|entry| has_text(entry, params));
    let (predicted, score_difference) = match params.decision {
        Decision::FirstEntry => (Some(0), minus(null_score, best.score)),
        Decision::ScoreDifference => {
            let entry = with_text.map_or(best, |at| entries[at]);
            let difference = minus(minus(null_score, entry.start_logit), entry.end_logit);
            let null_wins = difference > precision.round(params.null_score_diff_threshold);
            (with_text.filter(|_| !null_wins), difference)
        }
        Decision::ScoreAboveNull => (
            Some(0).filter(|_| best.score > null_score),
            minus(null_score, best.score),
        ),
    };
    Expected {
        entries,
        predicted,
        null_score,
        score_difference,
    }
}
