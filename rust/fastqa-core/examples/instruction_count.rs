//! One stage of the core, a given number of times on the same made-up data, in one thread: for
//! `tools/count_instructions.py`, which counts its instructions under callgrind.
//!
//! ```text
//! instruction_count STAGE PASSES
//! ```
//!
//! Prints the instruction set that the SIMD code uses and a sum that no pass may be left out of.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

use std::hint::black_box;

use fastqa_core::columns::{Extents, Integers, Strings};
use fastqa_core::json::{push_float, push_string};
use fastqa_core::logit::{HalfBits, Logits};
use fastqa_core::mapping::Windows;
use fastqa_core::normalize::{Normalized, squad};
use fastqa_core::offsets::{Offsets, OffsetsChunk};
use fastqa_core::params::SpanParams;
use fastqa_core::positions::NullPosition;
use fastqa_core::pystring::Tables;
use fastqa_core::score::{Questions, score};
use fastqa_core::search::Search;
use fastqa_core::span::WindowSource;
use fastqa_core::styles::Style;

/// One task of the search: no thread is started.
const WINDOWS: usize = 120;
const WINDOWS_PER_EXAMPLE: usize = 2;
const LENGTH: usize = 384;
const QUESTION: usize = 14;
/// Below the number from which questions are scored in parallel.
const QUESTIONS: usize = 400;

/// Numbers that are the same everywhere (Knuth's MMIX generator; the upper bits are good).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// Between -1 and 1.
    fn noise(&mut self) -> f32 {
        self.below(2_000_001) as f32 / 1e6 - 1.0
    }
}

/// Logits with about the ranks of a fine-tuned reader's: noise around -6, and ten places above it.
fn logits(random: &mut Random) -> Vec<f32> {
    let mut all = Vec::with_capacity(WINDOWS * LENGTH);
    for _ in 0..WINDOWS {
        let mut row: Vec<f32> = (0..LENGTH).map(|_| -6.0 + random.noise()).collect();
        for rise in [11.7, 9.0, 7.2, 6.0, 5.0, 4.2, 3.5, 3.0, 2.5, 2.1] {
            let place = QUESTION + random.below(LENGTH - QUESTION - 1);
            row[place] = row[place].max(-6.0 + rise + random.noise());
        }
        row[0] = random.noise();
        all.append(&mut row);
    }
    all
}

fn words(random: &mut Random, count: usize) -> String {
    const WORDS: [&str; 12] = [
        "the",
        "Danube",
        "river,",
        "of",
        "a",
        "U.S.A.",
        "1914",
        "(which)",
        "an",
        "café",
        "two-tailed",
        "Vienna",
    ];
    let chosen: Vec<&str> = (0..count)
        .map(|_| WORDS[random.below(WORDS.len())])
        .collect();
    chosen.join(" ")
}

/// Search `passes` times; the sum of all end characters.
fn search<S: WindowSource>(source: &S, params: &SpanParams, passes: usize) -> u64 {
    // Tokens of five characters; none before the context and one after it.
    let context = |token: usize| (QUESTION..LENGTH - 1).contains(&token);
    let (mut tokens, mut values) = (vec![0_i64], Vec::new());
    for place in 0..WINDOWS * LENGTH {
        let token = place % LENGTH;
        if context(token) {
            let first = 6 * (token - QUESTION) as i32;
            values.extend([first, first + 5]);
        }
        tokens.push(values.len() as i64);
    }
    let rows = Extents::Fixed {
        count: WINDOWS,
        width: LENGTH,
    };
    let examples = WINDOWS / WINDOWS_PER_EXAMPLE;
    let example_of: Vec<u32> = (0..WINDOWS as u32)
        .map(|window| window / WINDOWS_PER_EXAMPLE as u32)
        .collect();
    let text = "x".repeat(6 * LENGTH);
    let mut sum = 0;
    for _ in 0..passes {
        let search = Search {
            params: params.clone(),
            windows: Windows::group(&example_of, examples).unwrap(),
            offsets: Offsets::new(vec![OffsetsChunk {
                rows,
                tokens: Extents::Offsets(Integers::I64(&tokens)),
                validity: None,
                values: Integers::I32(&values),
            }]),
            null_position: NullPosition::First,
            max_context: None,
            contexts: Some(Strings::Slices(vec![&text; examples])),
            ids: None,
        };
        let found = search.run(black_box(source), &mut |_| Ok(())).unwrap();
        sum += (0..examples)
            .flat_map(|example| found.list(example))
            .map(|entry| u64::from(entry.end_char))
            .sum::<u64>();
    }
    sum
}

/// Score `passes` times; the number of exact matches.
fn score_answers(random: &mut Random, passes: usize) -> u64 {
    let answers: Vec<String> = (0..4 * QUESTIONS)
        .map(|place| words(random, 1 + place % 5))
        .collect();
    let predictions: Vec<Option<&str>> = answers
        .chunks(4)
        .enumerate()
        .map(|(question, own)| Some(own[question % 4].as_str()))
        .collect();
    let golds: Vec<&str> = answers
        .chunks(4)
        .flat_map(|own| own.iter().skip(1).map(String::as_str))
        .collect();
    let offsets: Vec<usize> = (0..=QUESTIONS).map(|question| 3 * question).collect();
    let tables = Tables::from_rust(answers.iter().map(String::as_str));
    let mut sum = 0;
    for _ in 0..passes {
        let questions = Questions {
            predictions: black_box(&predictions),
            golds: &golds,
            offsets: &offsets,
        };
        let scores = score(questions, Style::Squad1, &tables, &mut |_| Ok(())).unwrap();
        sum += scores.iter().filter(|one| one.exact == 1.0).count() as u64;
    }
    sum
}

fn normalize(random: &mut Random, passes: usize) -> u64 {
    let texts: Vec<String> = (0..QUESTIONS).map(|_| words(random, 8)).collect();
    let tables = Tables::from_rust(texts.iter().map(String::as_str));
    let mut into = Normalized::default();
    let mut sum = 0;
    for text in (0..passes).flat_map(|_| &texts) {
        squad(black_box(text), &tables, &mut into);
        sum += into.tokens().count() as u64;
    }
    sum
}

fn json(random: &mut Random, passes: usize) -> u64 {
    let texts: Vec<String> = (0..QUESTIONS).map(|_| words(random, 4)).collect();
    let numbers: Vec<f64> = (0..QUESTIONS)
        .map(|_| f64::from(8.0 * random.noise()))
        .collect();
    let mut sum = 0;
    for _ in 0..passes {
        let mut out = Vec::new();
        for (text, &number) in texts.iter().zip(&numbers) {
            push_string(&mut out, black_box(text));
            push_float(&mut out, number);
            push_float(&mut out, number.exp());
        }
        sum += out.len() as u64;
    }
    sum
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let stage = arguments.next().unwrap_or_default();
    let passes = arguments
        .next()
        .and_then(|passes| passes.parse().ok())
        .unwrap_or(1);
    let mut random = Random(1);
    let (start, end) = (logits(&mut random), logits(&mut random));
    let rows = Extents::Fixed {
        count: WINDOWS,
        width: LENGTH,
    };
    let single = Logits {
        start: start.as_slice(),
        end: end.as_slice(),
        rows,
    };
    let best = SpanParams {
        entries_per_example: 1,
        ..SpanParams::default()
    };
    let sum = match stage.as_str() {
        "search" => search(&single, &SpanParams::default(), passes),
        "best span" => search(&single, &best, passes),
        "float16" => {
            let half = |side: &[f32]| -> Vec<u16> {
                side.iter()
                    .map(|&logit| half::f16::from_f32(logit).to_bits())
                    .collect()
            };
            let (start, end) = (half(&start), half(&end));
            let halves = Logits {
                start: HalfBits(&start),
                end: HalfBits(&end),
                rows,
            };
            search(&halves, &SpanParams::default(), passes)
        }
        "score" => score_answers(&mut random, passes),
        "normalize" => normalize(&mut random, passes),
        "json" => json(&mut random, passes),
        _ => panic!("no such stage: {stage:?}"),
    };
    println!("{} {sum}", instruction_set());
}

/// What run-time dispatch finds on this processor, or on the one that valgrind stands for.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "x86-64-v4";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "x86-64-v3";
        }
    }
    std::env::consts::ARCH
}
