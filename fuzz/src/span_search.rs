//! The whole engine beside [`crate::oracle`]: complete n-best lists, answers, null scores.
//!
//! One case goes through every way that leads to the same lists: logits in their precision, the best
//! logits alone, a beam-search head, and collectors fed in batches and merged.
use std::fmt::Debug;

use arbitrary::{Result, Unstructured};
use fastqa_core::Error;
use fastqa_core::beam::Beam;
use fastqa_core::collector::Collector;
use fastqa_core::lists::NBest;
use fastqa_core::logit::{HalfBits, Logit, Logits};
use fastqa_core::mapping::Windows;
use fastqa_core::nbest::{NO_ANSWER, probabilities};
use fastqa_core::params::{Candidates, NanPolicy};
use fastqa_core::search::Search;
use fastqa_core::top_logits::TopLogits;
use half::f16;

use crate::columns::{Columns, Layout, Numbers};
use crate::logits::{Precision, SplitMix};
use crate::oracle::{self, Expected, Found, Refused};
use crate::search_case::{self, Case, Token, WindowCase};

/// Panics where the engine and the oracle differ.
pub fn check(data: &[u8]) {
    // Too few bytes make no case.
    let _ = try_check(&mut Unstructured::new(data));
}

fn try_check(input: &mut Unstructured<'_>) -> Result<()> {
    // What chooses between the ways is read first: a mutation of it keeps the case.
    let (layout, way, seed) = (
        Layout::any(input)?,
        input.int_in_range(0..=7)?,
        input.arbitrary()?,
    );
    let case = search_case::any(input)?;
    match case.precision {
        Precision::Double => run(&case, layout, way, seed, |value| value),
        _ => run(&case, layout, way, seed, |value| value as f32),
    }
    Ok(())
}

/// A type that scores are computed in.
trait Score: Logit + Debug {
    fn bits(self) -> u64;
}

impl Score for f32 {
    fn bits(self) -> u64 {
        f64::from(self).to_bits()
    }
}

impl Score for f64 {
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// Flat logits of some windows.
fn flat<T>(
    windows: &[&WindowCase],
    side: fn(&WindowCase) -> &Vec<f64>,
    convert: impl Fn(f64) -> T,
) -> Vec<T> {
    windows
        .iter()
        .flat_map(|window| side(window))
        .map(|&value| convert(value))
        .collect()
}

fn run<T: Score>(case: &Case, layout: Layout, way: u8, seed: u64, convert: fn(f64) -> T) {
    let all: Vec<&WindowCase> = case.windows.iter().collect();
    let columns = Columns::new(case, &all, layout);
    let example_of: Vec<u32> = all.iter().map(|window| window.example as u32).collect();
    let group = || Windows::group(&example_of, case.examples).expect("examples are in range");
    match way {
        0 => return beam(case, &columns, group(), seed),
        1 => return top_logits(case, &columns, group(), convert, seed),
        _ => {}
    }
    let search = columns.search(case, group());
    let found = search_logits(case, &columns, &search, &all, convert);
    let expected = oracle::search(case, &case.params, |_, window| oracle::logits(case, window));
    compare(case, &found, &expected);
    if way == 2 && plain_offsets(case) {
        collectors(case, layout, seed, convert, found);
    }
}

/// Search the logits of `windows`, in the type that they arrive in.
fn search_logits<T: Score>(
    case: &Case,
    columns: &Columns,
    search: &Search<'_>,
    windows: &[&WindowCase],
    convert: fn(f64) -> T,
) -> std::result::Result<NBest<T>, Error> {
    let (start, end) = (
        flat(windows, |window| &window.start, convert),
        flat(windows, |window| &window.end, convert),
    );
    let logits = Logits {
        start: start.as_slice(),
        end: end.as_slice(),
        rows: columns.rows(),
    };
    logits.validate().expect("the arrays hold all rows");
    let found = search.run(&logits, &mut |_| Ok(()));
    if case.precision == Precision::Half {
        let bits = |side| flat(windows, side, |value| f16::from_f64(value).to_bits());
        let (start, end) = (bits(|window| &window.start), bits(|window| &window.end));
        let halves = Logits {
            start: HalfBits(&start),
            end: HalfBits(&end),
            rows: columns.rows(),
        };
        let half = search.run(&halves, &mut |_| Ok(()));
        match (&found, &half) {
            (Ok(found), Ok(half)) => {
                for example in 0..case.examples {
                    let same = found.list(example).len() == half.list(example).len()
                        && found
                            .list(example)
                            .iter()
                            .zip(half.list(example))
                            .all(|(a, b)| {
                                a.score.bits() == f64::from(b.score).to_bits()
                                    && (a.feature, a.start_token, a.end_token)
                                        == (b.feature, b.start_token, b.end_token)
                            });
                    assert!(same, "float16 and its float32: {found:?} and {half:?}");
                }
            }
            (Err(a), Err(b)) => assert_eq!(a, b),
            _ => panic!("float16 and its float32: {found:?} and {half:?}"),
        }
    }
    found
}

fn compare<T: Score>(
    case: &Case,
    found: &std::result::Result<NBest<T>, Error>,
    expected: &std::result::Result<Vec<Expected>, Refused>,
) {
    let (found, expected) = match (found, expected) {
        (Ok(found), Ok(expected)) => (found, expected),
        (Err(Error::Value(text)), Err(Refused)) if !text.is_empty() => return,
        _ => panic!("engine: {found:?}\nexpected: {expected:?}\n{case:?}"),
    };
    assert_eq!(found.outcomes.len(), case.examples);
    let mut chances = Vec::new();
    for (example, expected) in expected.iter().enumerate() {
        let list = found.list(example);
        let context = || format!("example {example}: {list:?}\nexpected: {expected:?}\n{case:?}");
        assert_eq!(list.len(), expected.entries.len(), "{}", context());
        for (entry, wanted) in list.iter().zip(&expected.entries) {
            let same = entry.kind == wanted.kind
                && entry.score.bits() == wanted.score.to_bits()
                && entry.start_logit.bits() == wanted.start_logit.to_bits()
                && entry.end_logit.bits() == wanted.end_logit.to_bits()
                && entry.feature as usize == wanted.window
                && entry.start_token as usize == wanted.start_token
                && entry.end_token as usize == wanted.end_token
                && i64::from(entry.start_char) == wanted.start_char
                && i64::from(entry.end_char) == wanted.end_char;
            assert!(same, "{entry:?} instead of {wanted:?}\n{}", context());
        }
        let outcome = found.outcomes[example];
        let predicted = (outcome.predicted != NO_ANSWER).then_some(outcome.predicted as usize);
        assert_eq!(predicted, expected.predicted, "{}", context());
        assert_eq!(
            outcome.null_score.bits(),
            expected.null_score.to_bits(),
            "{}",
            context()
        );
        let (difference, wanted) = (outcome.score_difference.to_f64(), expected.score_difference);
        assert!(
            difference == wanted || difference.is_nan() && wanted.is_nan(),
            "{difference} instead of {wanted}\n{}",
            context()
        );
        probabilities(list, &mut chances);
        check_probabilities(&chances, &expected.entries);
        texts(case, found, example);
    }
    let without = (0..case.examples)
        .filter(|&example| !case.windows.iter().any(|window| window.example == example));
    assert_eq!(found.without_windows, without.count());
}

/// Softmax in float64; the engine's is in the precision of the logits.
fn check_probabilities(chances: &[f64], entries: &[oracle::Entry]) {
    assert_eq!(chances.len(), entries.len());
    let most = entries
        .iter()
        .map(|entry| entry.score)
        .fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return;
    }
    let total: f64 = entries.iter().map(|entry| (entry.score - most).exp()).sum();
    for (&chance, entry) in chances.iter().zip(entries) {
        let wanted = (entry.score - most).exp() / total;
        // A float32 difference of large scores is off by some units of the last place of exp.
        assert!(
            (chance - wanted).abs() <= 2e-5 * wanted.abs() + 1e-37,
            "probability {chance} instead of {wanted}: {entries:?}"
        );
    }
}

fn texts<T: Score>(case: &Case, found: &NBest<T>, example: usize) {
    let Some(contexts) = &case.contexts else {
        return;
    };
    let strings = fastqa_core::columns::Strings::Slices(contexts.iter().map(|s| &**s).collect());
    let context = found.context(example, &strings).expect("it is there");
    for entry in found.list(example) {
        let text = found
            .text(example, entry, &context)
            .expect("offsets were checked");
        if entry.kind == fastqa_core::nbest::Kind::Span {
            let length = (entry.end_char - entry.start_char) as usize;
            let wanted: String = contexts[example]
                .chars()
                .skip(entry.start_char as usize)
                .take(length)
                .collect();
            assert_eq!(text, wanted);
        }
    }
}

/// The best logits of each window, as `topk_logits` leaves them, lead to the lists of all logits.
fn top_logits<T: Score>(
    case: &Case,
    columns: &Columns,
    windows: Windows,
    convert: fn(f64) -> T,
    seed: u64,
) {
    let mut case = case.clone();
    let longest = case
        .windows
        .iter()
        .map(|window| window.start.len())
        .max()
        .unwrap_or(0);
    // Of a NaN beyond the best n nothing is known here, and a row needs a null position.
    let clean = |values: &mut Vec<f64>| {
        values
            .iter_mut()
            .for_each(|value| *value = oracle::number(*value));
    };
    let mut usable = true;
    for window in &mut case.windows {
        clean(&mut window.start);
        clean(&mut window.end);
        usable &= window
            .null_token(case.null_at)
            .is_some_and(|at| at < window.start.len());
    }
    // Rows beyond n_best_size are ignored; where n is larger than a row, tokens are negative.
    let n = case.params.n_best_size.min(longest + 2) + (seed % 3) as usize;
    if !usable || case.params.n_best_size > n {
        return;
    }
    let side = |pick: fn(&WindowCase) -> &Vec<f64>| {
        let (mut logits, mut tokens) = (Vec::new(), Vec::new());
        for window in &case.windows {
            let row = pick(window);
            let mut order = oracle::ranking(row).into_iter();
            for _ in 0..n {
                let token = order.next();
                logits.push(convert(token.map_or(f64::NEG_INFINITY, |at| row[at])));
                tokens.push(token.map_or(-1, |at| at as i64));
            }
        }
        (logits, Numbers::new(tokens, seed & 8 == 8))
    };
    let ((start, start_tokens), (end, end_tokens)) =
        (side(|window| &window.start), side(|window| &window.end));
    let null: Vec<T> = case
        .windows
        .iter()
        .flat_map(|window| {
            let at = window.null_token(case.null_at).unwrap_or_default();
            [convert(window.start[at]), convert(window.end[at])]
        })
        .collect();
    let top = TopLogits {
        start: &start,
        start_tokens: start_tokens.view(),
        end: &end,
        end_tokens: end_tokens.view(),
        null: &null,
        n,
    };
    if case.params.candidates == Candidates::All {
        assert!(top.validate(&case.params).is_err());
        return;
    }
    top.validate(&case.params).expect("the arrays fit");
    let search = columns.search(&case, windows);
    let found = search.run(&top, &mut |_| Ok(()));
    let expected = oracle::search(&case, &case.params, |_, window| {
        oracle::logits(&case, window)
    });
    compare(&case, &found, &expected);
}

/// The outputs of a beam-search head, with positions of any kind.
fn beam(case: &Case, columns: &Columns, windows: Windows, seed: u64) {
    let mut random = SplitMix(seed);
    let starts = 1 + (random.next() % 4) as usize;
    let ends = 1 + (random.next() % 3) as usize;
    let mut case = case.clone();
    if case.precision == Precision::Double {
        case.precision = Precision::Single;
    }
    let rows = case.windows.len();
    let mut logit = |many: usize| -> Vec<f32> {
        (0..many)
            .map(|_| match random.next() % 64 {
                0 => f32::NAN,
                1 => f32::INFINITY,
                2 => f32::NEG_INFINITY,
                other => (other % 8) as f32 - 4.0,
            })
            .collect()
    };
    let (start_logits, end_logits, cls) = (
        logit(rows * starts),
        logit(rows * starts * ends),
        logit(rows),
    );
    let mut position = |many: usize| -> Vec<i64> {
        (0..many)
            .map(|_| match random.next() % 32 {
                0 => -1,
                1 => i64::MAX,
                2 => i64::MIN,
                3 => 1 << 32,
                other => (other % 20) as i64,
            })
            .collect()
    };
    let (start_index, end_index) = (position(rows * starts), position(rows * starts * ends));
    let beam = Beam {
        start_log_probs: &start_logits,
        start_index: &start_index,
        end_log_probs: &end_logits,
        end_index: &end_index,
        cls_logits: &cls,
        start_n_top: starts,
        end_n_top: ends,
    };
    beam.validate().expect("the arrays fit");
    let search = columns.search(&case, windows);
    let found = search.run(&beam, &mut |_| Ok(()));
    let (params, ignore) = (
        &case.params,
        case.params.nan_policy == NanPolicy::NegativeInfinity,
    );
    let read = |value: f32| {
        if value.is_nan() && !ignore {
            Err(Refused)
        } else {
            Ok(f64::from(value))
        }
    };
    let expected = oracle::search(&case, params, |index, window| {
        let mut pairs = Vec::new();
        let null = read(cls[index])?;
        for i in 0..starts {
            let at = index * starts + i;
            let start_logit = read(start_logits[at])?;
            for j in 0..ends {
                let end_logit = read(end_logits[at * ends + j])?;
                let (start, end) = (start_index[at], end_index[at * ends + j]);
                let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
                    continue;
                };
                let fits = end >= start && end - start < params.max_answer_length;
                if fits && oracle::may_start(window, &case, start) && oracle::may_end(window, end) {
                    pairs.push((start, start_logit, end, end_logit));
                }
            }
        }
        // Its null position is looked for, but only its score is used.
        window.null_token(case.null_at).ok_or(Refused)?;
        Ok(Found {
            null: Some((0, null, 0.0)),
            pairs,
        })
    });
    if params.only_above_null {
        // No preset has both, and the engine has no floor here.
        return;
    }
    compare(&case, &found, &expected);
}

/// All offsets can be shown: a batch may keep an entry that all windows together would not.
fn plain_offsets(case: &Case) -> bool {
    let short = case
        .contexts
        .iter()
        .flatten()
        .any(|context| context.chars().count() < 90);
    let odd = case
        .windows
        .iter()
        .flat_map(|window| &window.tokens)
        .any(|token| matches!(token, Token::Context(start, end) if start > end || *end > 90));
    // Zero-length spans at 0 beside later starts would be out of order, too.
    let backwards = case.windows.iter().any(|window| {
        let starts = window.tokens.iter().filter_map(|token| match token {
            Token::Context(start, _) => Some(*start),
            _ => None,
        });
        !starts.is_sorted()
    });
    !short && !odd && !backwards
}

/// Windows in any order and batches, through several collectors, give the bytes of one search.
fn collectors<T: Score>(
    case: &Case,
    layout: Layout,
    seed: u64,
    convert: fn(f64) -> T,
    found: std::result::Result<NBest<T>, Error>,
) {
    let mut random = SplitMix(seed);
    let (many, batches) = (1 + (random.next() % 3) as usize, 1 + random.next() % 4);
    let fresh = || Collector::<T>::new(case.params.clone(), case.examples);
    if case.params.only_above_null {
        assert!(fresh().is_err());
        return;
    }
    let mut collectors: Vec<_> = (0..many).map(|_| fresh().expect("order is free")).collect();
    for _ in 0..batches + 1 {
        // Windows come twice, too: the last batch takes all that are left.
        let collector = &mut collectors[(random.next() % many as u64) as usize];
        let mut numbers: Vec<u32> = (0..case.windows.len() as u32)
            .filter(|_| random.next() % 2 == 0)
            .collect();
        if random.next() % 2 == 0 {
            numbers.reverse();
        }
        if let Err(error) = update(case, layout, convert, collector, &numbers) {
            assert!(
                found.is_err(),
                "a batch is refused: {error}, and all windows are not: {case:?}"
            );
            return;
        }
    }
    let numbers: Vec<u32> = (0..case.windows.len() as u32)
        .filter(|&number| {
            !collectors
                .iter()
                .any(|one| one.seen().contains(number as usize))
        })
        .collect();
    if let Err(error) = update(case, layout, convert, &mut collectors[0], &numbers) {
        assert!(
            found.is_err(),
            "a batch is refused: {error}, and all windows are not: {case:?}"
        );
        return;
    }
    let mut merged = collectors.pop().expect("there is one");
    for other in collectors {
        merged.merge(&other).expect("they are alike");
    }
    let found = found.expect("no batch was refused, so all windows together are not");
    let restored = Collector::restore(
        case.params.clone(),
        merged.examples().to_vec(),
        merged.seen().words().to_vec(),
    );
    for finished in [
        merged.finish(),
        restored.expect("what was saved is in order").finish(),
    ] {
        for example in 0..case.examples {
            assert_eq!(finished.list(example), found.list(example), "{case:?}");
        }
        assert_eq!(finished.starts, found.starts);
        assert_eq!(finished.without_windows, found.without_windows);
        for (a, b) in finished.outcomes.iter().zip(&found.outcomes) {
            let bits = |one: &fastqa_core::nbest::Outcome<T>| {
                (
                    one.predicted,
                    one.null_score.bits(),
                    one.score_difference.bits(),
                )
            };
            assert_eq!(bits(a), bits(b), "{case:?}");
        }
    }
}

fn update<T: Score>(
    case: &Case,
    layout: Layout,
    convert: fn(f64) -> T,
    collector: &mut Collector<T>,
    numbers: &[u32],
) -> std::result::Result<(), Error> {
    let rows: Vec<&WindowCase> = numbers
        .iter()
        .map(|&number| &case.windows[number as usize])
        .collect();
    let columns = Columns::new(case, &rows, layout);
    let example_of: Vec<u32> = rows.iter().map(|window| window.example as u32).collect();
    let seen = collector.seen().clone();
    let windows = Windows::part(&example_of, numbers, |number| {
        seen.contains(number as usize)
    })?;
    let search = columns.search(case, windows);
    let (start, end) = (
        flat(&rows, |window| &window.start, convert),
        flat(&rows, |window| &window.end, convert),
    );
    let logits = Logits {
        start: start.as_slice(),
        end: end.as_slice(),
        rows: columns.rows(),
    };
    collector.update(&search, &logits, &mut |_| Ok(()))
}
