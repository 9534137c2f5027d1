//! Hostile columns: offsets that go backwards, point outside, or are as large as integers get; ids
//! and examples that are not there; states that nobody saved; windows of tokens that do not fit.
//!
//! Nothing here may panic. Where columns make sense by accident, the values are those of a
//! restatement in wide arithmetic.
use std::collections::HashMap;

use arbitrary::{Result, Unstructured};
use fastqa_core::Error;
use fastqa_core::collector::{Collector, Known};
use fastqa_core::columns::{Bitmap, Extents, Integers, Strings, Utf8Chunk};
use fastqa_core::labels::{LabelInput, answer_tokens, label_windows};
use fastqa_core::logit::Logits;
use fastqa_core::mapping::{IdIndex, Windows, match_ids};
use fastqa_core::nbest::{Entry, Kind};
use fastqa_core::offsets::{Offsets, OffsetsChunk};
use fastqa_core::params::{Candidates, NullAggregation, SpanParams};
use fastqa_core::positions::{MaxContext, NullPosition};
use fastqa_core::search::Search;
use fastqa_core::template::{Padding, Specials, Template};
use fastqa_core::windows::{Texts, WindowParams, assemble};

use crate::columns::Numbers;

/// Panics where the core does, and where it reads other values than the restatement.
pub fn check(data: &[u8]) {
    let _ = try_check(&mut Unstructured::new(data));
}

fn try_check(input: &mut Unstructured<'_>) -> Result<()> {
    match input.int_in_range(0..=5)? {
        0 => columns(input),
        1 => search(input),
        2 => mapping(input),
        3 => restore(input),
        4 => labels(input),
        _ => windows(input),
    }
}

/// Small numbers mostly, and the largest and smallest.
fn integer(input: &mut Unstructured<'_>) -> Result<i64> {
    Ok(match input.arbitrary::<u8>()? {
        byte @ 0..=215 => i64::from(byte % 24),
        byte @ 216..=231 => -i64::from(byte % 16),
        232 => i64::MAX,
        233 => i64::MIN,
        234 => i64::from(i32::MAX),
        235 => i64::from(i32::MIN),
        236 => i64::from(u32::MAX),
        237 => 1 << 32,
        238 => i64::MAX - 1,
        239 => i64::from(u32::MAX) + 1,
        240..=247 => i64::from(input.arbitrary::<i32>()?),
        _ => input.arbitrary()?,
    })
}

fn integers(input: &mut Unstructured<'_>, most: usize) -> Result<Vec<i64>> {
    (0..input.int_in_range(0..=most)?)
        .map(|_| integer(input))
        .collect()
}

/// Offsets that rise, and what a few changes make of them.
fn offsets(input: &mut Unstructured<'_>, most: usize) -> Result<Vec<i64>> {
    let mut at = 0;
    let mut offsets = Vec::new();
    for _ in 0..input.int_in_range(0..=most)? {
        offsets.push(at);
        at += i64::from(input.arbitrary::<u8>()? % 4);
    }
    if input.ratio(1, 3)? && !offsets.is_empty() {
        let place = input.choose_index(offsets.len())?;
        offsets[place] = integer(input)?;
    }
    Ok(offsets)
}

/// A column with its extents, as arrays or as a fixed width.
struct Lists {
    offsets: Numbers,
    fixed: Option<(usize, usize)>,
}

impl Lists {
    fn any(input: &mut Unstructured<'_>) -> Result<Self> {
        let fixed = if input.ratio(1, 4)? {
            let big = [0, 1, 2, 5, usize::MAX, usize::MAX / 2, 1 << 33];
            Some((*input.choose(&big)?, *input.choose(&big)?))
        } else {
            None
        };
        Ok(Self {
            offsets: Numbers::new(offsets(input, 9)?, input.arbitrary()?),
            fixed,
        })
    }

    fn view(&self) -> Extents<'_> {
        match self.fixed {
            Some((count, width)) => Extents::Fixed { count, width },
            None => Extents::Offsets(self.offsets.view()),
        }
    }

    /// In wide arithmetic.
    fn range(&self, index: usize) -> Option<(i128, i128)> {
        let (begin, end) = match self.fixed {
            Some((count, width)) => {
                if index >= count {
                    return None;
                }
                let begin = (index as i128).checked_mul(width as i128)?;
                (begin, begin.checked_add(width as i128)?)
            }
            None => {
                let offsets = self.offsets.view();
                (offsets.get(index)?.into(), offsets.get(index + 1)?.into())
            }
        };
        let sensible = 0 <= begin && begin <= end && end <= usize::MAX as i128;
        sensible.then_some((begin, end))
    }
}

struct HostileChunk {
    rows: Lists,
    tokens: Lists,
    validity: Option<(Vec<u8>, usize)>,
    values: Numbers,
}

impl HostileChunk {
    fn any(input: &mut Unstructured<'_>) -> Result<Self> {
        let validity = if input.arbitrary()? {
            let bytes = (0..input.int_in_range(0..=3)?).map(|_| input.arbitrary());
            let bytes = bytes.collect::<Result<Vec<u8>>>()?;
            Some((
                bytes,
                *input.choose(&[0, 1, 7, 20, usize::MAX, usize::MAX - 3])?,
            ))
        } else {
            None
        };
        Ok(Self {
            rows: Lists::any(input)?,
            tokens: Lists::any(input)?,
            validity,
            values: Numbers::new(integers(input, 20)?, input.arbitrary()?),
        })
    }

    fn view(&self) -> OffsetsChunk<'_> {
        OffsetsChunk {
            rows: self.rows.view(),
            tokens: self.tokens.view(),
            validity: self.validity.as_ref().map(|(bytes, offset)| Bitmap {
                bytes,
                offset: *offset,
            }),
            values: self.values.view(),
        }
    }

    fn valid(&self, at: i128) -> bool {
        let Some((bytes, offset)) = &self.validity else {
            return true;
        };
        // The bit position wraps in the engine; such a column is no column.
        let bit = (*offset as i128 + at) as u128 as usize;
        bytes
            .get(bit / 8)
            .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }

    /// The two numbers of a token, if it has two.
    fn characters(&self, row: usize, token: u32) -> Option<(bool, Option<(i64, i64)>)> {
        let (begin, end) = self.rows.range(row)?;
        let at = begin + i128::from(token);
        if at >= end || !self.valid(at) {
            return Some((false, None));
        }
        let Some((first, last)) = usize::try_from(at)
            .ok()
            .and_then(|at| self.tokens.range(at))
        else {
            return Some((false, None));
        };
        if last - first < 2 {
            return Some((false, None));
        }
        let value = |at: i128| self.values.view().get(usize::try_from(at).ok()?);
        Some((true, value(first).zip(value(first + 1))))
    }
}

fn columns(input: &mut Unstructured<'_>) -> Result<()> {
    let chunks = (0..input.int_in_range(0..=3)?)
        .map(|_| HostileChunk::any(input))
        .collect::<Result<Vec<_>>>()?;
    // The counts of several chunks of 2^64 rows each have no sum.
    if chunks
        .iter()
        .any(|chunk| chunk.rows.view().count() > 1 << 40)
        && chunks.len() > 1
    {
        return Ok(());
    }
    let column = Offsets::new(chunks.iter().map(HostileChunk::view).collect());
    let mut first = 0;
    for chunk in &chunks {
        let count = chunk.rows.view().count();
        let _ = chunk.rows.view().end();
        for row in (0..count.min(10)).chain(count.checked_sub(1)) {
            let found = column.row(first + row);
            let tokens = [0, 1, 2, 3, 4, 5, 6, 7, 8, u32::MAX, 1 << 31];
            for token in tokens {
                let wanted = chunk.characters(row, token);
                let Ok(found) = &found else {
                    assert_eq!(wanted, None);
                    break;
                };
                let (present, numbers) = wanted.expect("the row is refused");
                // Without a look inside, a token that is not None may still turn out to be too short.
                assert!(!present || found.is_context(token, false));
                let inside = numbers.is_some_and(|(start, end)| start >= 0 && end >= 0);
                assert_eq!(found.is_context(token, true), present && inside);
                assert_eq!(found.characters(token), numbers.filter(|_| present));
            }
            let _ = found.map(|row| (row.len(), row.is_empty()));
        }
        first += count;
    }
    assert!(column.row(first).is_err());
    strings(input)
}

fn strings(input: &mut Unstructured<'_>) -> Result<()> {
    let chunks = (0..input.int_in_range(0..=2)?)
        .map(|_| {
            let bytes = (0..input.int_in_range(0..=12)?).map(|_| {
                Ok(*input.choose(&[b'a', b'b', 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0])?)
            });
            let bytes = bytes.collect::<Result<Vec<u8>>>()?;
            Ok((bytes, Numbers::new(offsets(input, 6)?, input.arbitrary()?)))
        })
        .collect::<Result<Vec<_>>>()?;
    let view = chunks.iter().map(|(bytes, offsets)| Utf8Chunk {
        bytes,
        offsets: offsets.view(),
    });
    let column = Strings::from_chunks(view.collect());
    let mut wanted: Vec<Option<&str>> = Vec::new();
    for (bytes, offsets) in &chunks {
        let offsets = offsets.view();
        for at in 1..offsets.len() {
            let bound = |at| usize::try_from(offsets.get(at)?).ok();
            let part = bound(at - 1).zip(bound(at)).filter(|(a, b)| a <= b);
            let part = part.and_then(|(begin, end)| bytes.get(begin..end));
            wanted.push(part.and_then(|part| std::str::from_utf8(part).ok()));
        }
    }
    assert_eq!(column.len(), wanted.len());
    for (at, wanted) in wanted.iter().enumerate() {
        assert_eq!(column.get(at).ok(), *wanted);
    }
    assert!(column.get(wanted.len()).is_err() && column.get(usize::MAX).is_err());
    // Of a column with damaged strings there is an index or an error.
    if let Ok(index) = IdIndex::new(&column) {
        assert!(wanted.iter().all(Option::is_some));
        for (at, id) in wanted.iter().enumerate() {
            let last = wanted
                .iter()
                .rposition(|other| other == id)
                .expect("itself");
            assert!(last >= at);
            assert_eq!(
                index.find(&column, id.unwrap_or_default()),
                Some(last as u32)
            );
        }
    } else {
        assert!(wanted.iter().any(Option::is_none));
    }
    Ok(())
}

/// Everything that a search reads, hostile at once: a result or an error.
fn search(input: &mut Unstructured<'_>) -> Result<()> {
    let chunks = (0..input.int_in_range(0..=2)?)
        .map(|_| HostileChunk::any(input))
        .collect::<Result<Vec<_>>>()?;
    if chunks
        .iter()
        .any(|chunk| chunk.rows.view().count() > 1 << 20)
    {
        return Ok(());
    }
    let column = Offsets::new(chunks.iter().map(HostileChunk::view).collect());
    let rows = Lists::any(input)?;
    let windows = match input.int_in_range(0..=3)? {
        0 => input.int_in_range(0..=9)?,
        1 => rows.view().count().min(64),
        _ => column.len(),
    };
    let examples = input.int_in_range(0..=4)?;
    let example_of = (0..windows).map(|_| Ok(input.arbitrary::<u32>()? % 4));
    let mut example_of = example_of.collect::<Result<Vec<_>>>()?;
    if input.ratio(1, 8)? {
        example_of.extend([u32::MAX]);
    }
    let windows = match Windows::group(&example_of, examples) {
        Ok(windows) => windows,
        Err(Error::Value(_)) => {
            assert!(
                example_of
                    .iter()
                    .any(|&example| example as usize >= examples)
            );
            return Ok(());
        }
        Err(other) => panic!("{other:?}"),
    };
    let logits = |input: &mut Unstructured<'_>| -> Result<Vec<f32>> {
        (0..input.int_in_range(0..=30)?)
            .map(|_| Ok(f32::from(input.arbitrary::<i8>()?)))
            .collect()
    };
    let (start, end) = (logits(input)?, logits(input)?);
    let logits = Logits {
        start: start.as_slice(),
        end: end.as_slice(),
        rows: rows.view(),
    };
    let positions = integers(input, 9)?;
    let (id_rows, id_values) = (Lists::any(input)?, integers(input, 20)?);
    let flags: Vec<u8> = (0..input.int_in_range(0..=30)?).map(|at| at % 2).collect();
    let texts = ["", "abc", "漢字 and more", "x"];
    let text = |input: &mut Unstructured<'_>| -> Result<Option<Strings<'_>>> {
        let count = input.int_in_range(0..=5)?;
        Ok((count > 0)
            .then(|| Strings::Slices(texts.iter().copied().cycle().take(count).collect())))
    };
    let search = Search {
        params: SpanParams {
            n_best_size: *input.choose(&[1, 3, 20, usize::MAX])?,
            entries_per_example: *input.choose(&[1, 3, 20, usize::MAX])?,
            max_answer_length: *input.choose(&[1, 3, 30, usize::MAX])?,
            candidates: *input.choose(&[Candidates::TopN, Candidates::All])?,
            null_in_list: input.arbitrary()?,
            ..SpanParams::default()
        },
        windows,
        offsets: column,
        null_position: match input.int_in_range(0..=2)? {
            0 => NullPosition::First,
            1 => NullPosition::Given(Integers::I64(&positions)),
            _ => NullPosition::Token(
                integer(input)?,
                vec![(0, id_rows.view(), Integers::I64(&id_values))],
            ),
        },
        max_context: input.ratio(1, 4)?.then(|| MaxContext {
            width: flags
                .len()
                .checked_div(example_of.len())
                .unwrap_or(usize::MAX),
            flags: &flags,
            restricted: &flags,
        }),
        contexts: text(input)?,
        ids: text(input)?,
    };
    match search.run(&logits, &mut |_| Ok(())) {
        Ok(found) => {
            assert_eq!(found.outcomes.len(), examples);
            for entry in found.entries.iter() {
                assert!(entry.start_char <= entry.end_char && entry.start_token <= entry.end_token);
            }
        }
        Err(Error::Value(text)) => assert!(!text.is_empty()),
        Err(other) => panic!("{other:?}"),
    }
    let stopped = search.run(&logits, &mut |_| Err(Error::Io("stop".into())));
    assert!(stopped.is_err() || examples == 0);
    Ok(())
}

fn mapping(input: &mut Unstructured<'_>) -> Result<()> {
    let names = ["", "a", "b", "a\0", "é", "漢", "aa"];
    let ids = |input: &mut Unstructured<'_>| -> Result<Vec<&str>> {
        (0..input.int_in_range(0..=9)?)
            .map(|_| input.choose(&names).copied())
            .collect()
    };
    let (examples, features) = (ids(input)?, ids(input)?);
    let place: HashMap<&str, u32> = (0_u32..).zip(&examples).map(|(at, &id)| (id, at)).collect();
    let wanted: Option<Vec<u32>> = features.iter().map(|id| place.get(id).copied()).collect();
    let matched = match_ids(
        &Strings::Slices(examples.clone()),
        &Strings::Slices(features.clone()),
    );
    match (&matched, wanted) {
        (Ok(matched), Some(wanted)) => {
            assert_eq!(matched.example_of, wanted);
            let mut distinct = Vec::new();
            for id in &examples {
                if !distinct.contains(&place[id]) {
                    distinct.push(place[id]);
                }
            }
            let repeated = distinct.len() < examples.len();
            assert_eq!(matched.distinct, repeated.then_some(distinct));
        }
        (Err(Error::Key(_)), None) => {}
        other => panic!("{other:?}"),
    }
    let numbers = |input: &mut Unstructured<'_>| -> Result<Vec<u32>> {
        (0..input.int_in_range(0..=9)?)
            .map(|_| {
                let any = input.arbitrary::<u8>()?;
                Ok(if any > 250 {
                    u32::MAX - u32::from(any % 2)
                } else {
                    u32::from(any % 7)
                })
            })
            .collect()
    };
    let (example_of, features) = (numbers(input)?, numbers(input)?);
    let skipped = input.arbitrary::<u32>()? % 8;
    match Windows::part(&example_of, &features, |number| number == skipped) {
        Err(_) => assert_ne!(example_of.len(), features.len()),
        Ok(part) => {
            let mut wanted: Vec<(u32, u32, usize)> = Vec::new();
            for (row, (&example, &number)) in example_of.iter().zip(&features).enumerate() {
                if number != skipped {
                    wanted.push((example, number, row));
                }
            }
            wanted.sort_unstable();
            wanted.dedup_by_key(|&mut (_, number, _)| number);
            let mut found = Vec::new();
            for example in 0..part.examples() {
                for row in part.of(example) {
                    let (number, owner) = (part.feature_number(row), part.example_number(example));
                    found.push((owner as u32, number as u32, row));
                }
            }
            assert_eq!(found, wanted);
            assert_eq!(part.rows(), features.len());
        }
    }
    let count = input.int_in_range(0..=8)?;
    match Windows::group(&example_of, count) {
        Err(_) => assert!(example_of.iter().any(|&example| example as usize >= count)),
        Ok(windows) => {
            for example in 0..count {
                let wanted = (0..example_of.len()).filter(|&at| example_of[at] as usize == example);
                assert!(windows.of(example).eq(wanted));
            }
        }
    }
    Ok(())
}

/// A collector's state that nobody saved.
fn restore(input: &mut Unstructured<'_>) -> Result<()> {
    let params = SpanParams {
        n_best_size: 3,
        entries_per_example: *input.choose(&[1, 3, usize::MAX])?,
        candidates: *input.choose(&[Candidates::TopN, Candidates::All])?,
        null_aggregation: *input.choose(&[NullAggregation::Minimum, NullAggregation::Maximum])?,
        null_in_list: input.arbitrary()?,
        ..SpanParams::default()
    };
    let logit = |input: &mut Unstructured<'_>| -> Result<f32> {
        let any = [
            0.0,
            -0.0,
            1.0,
            2.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ];
        input.choose(&any).copied()
    };
    let entry = |input: &mut Unstructured<'_>| -> Result<Entry<f32>> {
        let number = |input: &mut Unstructured<'_>| Ok(integer(input)? as u32);
        Ok(Entry {
            score: logit(input)?,
            start_logit: logit(input)?,
            end_logit: logit(input)?,
            feature: number(input)?,
            start_token: number(input)?,
            end_token: number(input)?,
            start_char: number(input)?,
            end_char: number(input)?,
            kind: *input.choose(&[Kind::Span, Kind::Null, Kind::Fallback])?,
        })
    };
    let mut restored = Vec::new();
    for _ in 0..2 {
        let examples = (0..2).map(|_| {
            let many = input.int_in_range(0..=3)?;
            Ok(Known {
                entries: (0..many).map(|_| entry(input)).collect::<Result<_>>()?,
                null: if input.arbitrary()? {
                    Some(entry(input)?)
                } else {
                    None
                },
                seen: input.arbitrary()?,
            })
        });
        let examples = examples.collect::<Result<Vec<_>>>()?;
        let seen = (0..input.int_in_range(0..=2)?).map(|_| input.arbitrary());
        let seen = seen.collect::<Result<Vec<u64>>>()?;
        match Collector::restore(params.clone(), examples, seen) {
            Ok(one) => restored.push(one),
            Err(Error::Value(text)) => assert!(text.contains("damaged")),
            Err(other) => panic!("{other:?}"),
        }
    }
    for one in &restored {
        let found = one.finish();
        assert_eq!(found.outcomes.len(), 2);
        let contexts = Strings::Slices(vec!["ab cd", "漢字"]);
        for example in 0..2 {
            let context = found.context(example, &contexts).expect("there are two");
            for entry in found.list(example) {
                let _ = found.text(example, entry, &context);
            }
        }
        let _ = (one.seen().count(), one.seen().first_missing());
    }
    if let [one, other] = &mut restored[..] {
        one.merge(other).expect("they are alike");
        let _ = one.finish();
    }
    Ok(())
}

fn narrow(values: Vec<i64>) -> Vec<i32> {
    values.into_iter().map(|value| value as i32).collect()
}

fn labels(input: &mut Unstructured<'_>) -> Result<()> {
    let (input_ids, offsets_) = (narrow(integers(input, 12)?), narrow(integers(input, 24)?));
    let starts = offsets(input, 5)?;
    let (context_span, example) = (integers(input, 8)?, integers(input, 4)?);
    let (answer_start, answer_end) = (integers(input, 4)?, integers(input, 4)?);
    let hostile = LabelInput {
        input_ids: &input_ids,
        offsets: &offsets_,
        starts: &starts,
        context_span: &context_span,
        example: &example,
        answer_start: &answer_start,
        answer_end: &answer_end,
    };
    if let Ok((first, last)) = label_windows(&hostile, &[1, 2]) {
        assert_eq!((first.len(), last.len()), (example.len(), example.len()));
    }
    // Lengths that fit, so that the loop is reached.
    let tokens: Vec<i32> = input_ids
        .iter()
        .copied()
        .cycle()
        .take(offsets_.len() / 2)
        .collect();
    let windows = starts.len().saturating_sub(1);
    let span: Vec<i64> = context_span
        .iter()
        .copied()
        .cycle()
        .take(2 * windows)
        .collect();
    let owner: Vec<i64> = example.iter().copied().cycle().take(windows).collect();
    let fitting = LabelInput {
        input_ids: &tokens,
        offsets: offsets_.get(..2 * tokens.len()).unwrap_or_default(),
        context_span: &span,
        example: &owner,
        answer_end: &answer_start,
        ..hostile
    };
    if let Ok((first, last)) = label_windows(&fitting, &[1, 2]) {
        assert_eq!(first.len(), windows);
        for (window, (&first, &last)) in first.iter().zip(&last).enumerate() {
            let length = starts[window + 1] - starts[window];
            assert!(first >= 0 && last < length.max(1));
        }
    }
    let pairs: Vec<[i32; 2]> = offsets_.as_chunks::<2>().0.to_vec();
    let (start, end) = (integer(input)?, integer(input)?);
    if let Some((first, last)) = answer_tokens(&pairs, start, end) {
        assert!(first <= last && last < pairs.len());
    }
    Ok(())
}

fn windows(input: &mut Unstructured<'_>) -> Result<()> {
    let sizes = |input: &mut Unstructured<'_>, most: u8| -> Result<Vec<i64>> {
        let mut starts = vec![0];
        for _ in 0..input.int_in_range(0..=3)? {
            starts.push(starts[starts.len() - 1] + i64::from(input.arbitrary::<u8>()? % most));
        }
        Ok(starts)
    };
    let (mut question_starts, mut context_starts) = (sizes(input, 20)?, sizes(input, 60)?);
    let length = |starts: &[i64]| starts[starts.len() - 1];
    let question_ids: Vec<i32> = (0..length(&question_starts) as i32)
        .map(|at| 1_000 + at)
        .collect();
    let context_ids: Vec<i32> = (0..length(&context_starts) as i32)
        .map(|at| 5_000 + at)
        .collect();
    let context_offsets: Vec<i32> = (0..context_ids.len() as i32)
        .flat_map(|at| [at, at + 1])
        .collect();
    let contexts = (context_starts.len() - 1) as i64;
    let mut context_of: Vec<i64> = (0..question_starts.len() as i64 - 1)
        .map(|_| Ok(i64::from(input.arbitrary::<u8>()?) % contexts.max(1)))
        .collect::<Result<_>>()?;
    let hostile = input.ratio(1, 4)?;
    if hostile {
        for column in [&mut question_starts, &mut context_starts, &mut context_of] {
            if !column.is_empty() && input.arbitrary()? {
                let at = input.choose_index(column.len())?;
                column[at] = integer(input)?;
            }
        }
    }
    let special = [101_i32, 102, 103];
    let types = [0_i8; 3];
    let part = |input: &mut Unstructured<'_>| -> Result<Specials<'_>> {
        let many = input.int_in_range(0..=3)?;
        Ok(Specials {
            ids: special.get(..many).unwrap_or_default(),
            type_ids: types.get(..many).unwrap_or_default(),
        })
    };
    let template = Template {
        prefix: part(input)?,
        middle: part(input)?,
        suffix: part(input)?,
        question_type: 0,
        context_type: 1,
        context_first: input.arbitrary()?,
    };
    let extreme = [usize::MAX, usize::MAX - 1, 1 << 40];
    let size = |input: &mut Unstructured<'_>, most: usize| -> Result<usize> {
        if input.ratio(1, 24)? {
            input.choose(&extreme).copied()
        } else {
            input.int_in_range(0..=most)
        }
    };
    let mut params = WindowParams {
        max_length: size(input, 70)?,
        doc_stride: size(input, 24)?,
        hop: if input.ratio(1, 4)? {
            Some(size(input, 40)?)
        } else {
            None
        },
        max_question_length: if input.ratio(1, 4)? {
            Some(size(input, 20)?)
        } else {
            None
        },
        padding: None,
    };
    if params.max_length <= 70 && input.arbitrary()? {
        params.padding = Some(Padding {
            id: 0,
            type_id: 0,
            left: input.arbitrary()?,
        });
    }
    let texts = |ids, starts| Texts { ids, starts };
    let found = assemble(
        texts(&question_ids, &question_starts),
        texts(&context_ids, &context_starts),
        &context_offsets,
        &context_of,
        &template,
        &params,
    );
    let built = match found {
        Ok(built) => built,
        Err(Error::Value(text)) => {
            assert!(!text.is_empty());
            return Ok(());
        }
        Err(other) => panic!("{other:?}"),
    };
    // Each example's windows hold all tokens of its context, in order, and no window is too long.
    for (example, &context) in context_of.iter().enumerate() {
        let bounds = context_starts[context as usize]..context_starts[context as usize + 1];
        let mut next = bounds.start;
        let mut count = 0;
        for (window, &owner) in built.example.iter().enumerate() {
            if owner as usize != example {
                continue;
            }
            count += 1;
            let (begin, end) = (
                built.starts[window] as usize,
                built.starts[window + 1] as usize,
            );
            assert!(end - begin <= params.max_length);
            assert!(params.padding.is_none() || end - begin == params.max_length);
            let row = &built.input_ids[begin..end];
            let span = &built.context_span[2 * window..2 * window + 2];
            let (first, last) = (span[0] as usize, span[1] as usize);
            let pieces = &row[first..last];
            if let Some(&piece) = pieces.first() {
                let piece = i64::from(piece) - 5_000;
                assert!(piece <= next, "a token of the context is in no window");
                assert!(
                    pieces
                        .iter()
                        .zip(piece as i32..)
                        .all(|(&id, at)| id == 5_000 + at)
                );
                next = next.max(piece + pieces.len() as i64);
                for (at, &id) in pieces.iter().enumerate() {
                    let place = 2 * (begin + first + at);
                    assert_eq!(built.offsets[place..place + 2], [id - 5_000, id - 4_999]);
                }
            }
            for (at, &id) in row.iter().enumerate() {
                let is_context = (first..last).contains(&at);
                assert_eq!(is_context, id >= 5_000);
                assert_eq!(built.attention_mask[begin + at], i8::from(id != 0));
                let wanted = i8::from(is_context);
                assert_eq!(built.type_ids[begin + at], wanted);
            }
        }
        assert!(count > 0);
        assert_eq!(next, bounds.end, "the end of the context is in no window");
    }
    Ok(())
}
