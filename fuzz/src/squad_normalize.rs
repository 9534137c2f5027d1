//! Answers normalised and scored in every style, beside the official scripts' steps one by one.
use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use fastqa_core::normalize::Normalized;
use fastqa_core::pystring::Tables;
use fastqa_core::score::{Questions, score};
use fastqa_core::styles::Style;

use crate::unicode::{Python, python};

const SIGMA: char = '\u{3a3}';
/// Pieces that the rules speak of.
const PIECES: &[&str] = &[
    "the",
    "The",
    "a",
    "an",
    "AN",
    " ",
    "  ",
    "-",
    "_",
    "'",
    ".",
    ",",
    "«",
    "»",
    "“",
    "”",
    "\u{a0}",
    "\u{1c}",
    "\u{200b}",
    "\u{ad}",
    "İ",
    "Σ",
    "ΑΣ",
    "ς",
    "ß",
    "é",
    "e\u{301}",
    "der",
    "die",
    "la",
    "las",
    "của",
    "những",
    "ال",
    "لا",
    "ا",
    "ل",
    "中",
    "国",
    "公司",
    "。",
    "，",
    "《",
    "서울",
    "의",
    "กรุง",
    "3.5",
    "1,000",
    "IBM",
    "\u{3000}",
    "\u{0}",
    "😀",
    "\n",
    "\t",
    "ａ",
    "Ⓐ",
    "̇",
    "\u{345}",
    "%",
    "$",
];
const STYLES: &[(&str, &str)] = &[
    ("squad1", "en"),
    ("squad2", "en"),
    ("mlqa", "en"),
    ("mlqa", "es"),
    ("mlqa", "vi"),
    ("mlqa", "de"),
    ("mlqa", "hi"),
    ("mlqa", "ar"),
    ("mlqa", "zh"),
    ("korquad", "ko"),
    ("characters", "ja"),
    ("cmrc2018", "zh"),
    ("mrqa", "en"),
];

/// Panics where the core and the restatement differ.
pub fn check(data: &[u8]) {
    let _ = try_check(&mut Unstructured::new(data));
}

fn try_check(input: &mut Unstructured<'_>) -> Result<()> {
    let python = python();
    let tables = Tables::current();
    let (name, language) = *input.choose(STYLES)?;
    let style = Style::parse(name, Some(language)).expect("a known style");
    let first = text(input)?;
    normalized(&first, (name, language), style, &tables, python);
    let golds = (0..input.int_in_range(0..=3)?)
        .map(|_| {
            // Parts of the prediction, so that tokens are shared.
            let length = first.chars().count();
            Ok(if input.arbitrary()? {
                let skip = input.int_in_range(0..=length)?;
                first.chars().skip(skip).collect::<String>() + &text(input)?
            } else {
                text(input)?
            })
        })
        .collect::<Result<Vec<String>>>()?;
    scored(&first, &golds, name, style, &tables);
    Ok(())
}

fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=16)? {
        match input.arbitrary::<u8>()? {
            byte @ 0..=127 => text.push(char::from(byte)),
            128..=223 => text.push_str(input.choose(PIECES)?),
            224..=239 => text.extend(char::from_u32(u32::from(input.arbitrary::<u16>()?))),
            _ => text.extend(char::from_u32(input.int_in_range(0..=0x10_ffff)?)),
        }
    }
    Ok(text)
}

/// `str.lower`.
fn lower(text: &str, python: &Python) -> String {
    let points: Vec<char> = text.chars().collect();
    let mut lowered = String::new();
    for (at, &c) in points.iter().enumerate() {
        if c == SIGMA {
            let cased = |c: &&char| python.cased.contains(&u32::from(**c));
            let seen = |c: &&char| !python.ignorable.contains(&u32::from(**c));
            let before = points[..at].iter().rev().find(seen).filter(cased).is_some();
            let after = points[at + 1..].iter().find(seen).filter(cased).is_some();
            lowered.push(if before && !after { 'ς' } else { 'σ' });
        } else if let Some(other) = python.lower.get(&u32::from(c)) {
            lowered.push_str(other);
        } else {
            lowered.push(c);
        }
    }
    lowered
}

const ASCII_PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// `re.sub(r"\b(...)\b", " ", text)` for whole words.
fn without_words(text: &str, words: &[&str], python: &Python) -> String {
    let is_word = |c: char| python.word.contains(&u32::from(c));
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        if let Some(c) = c.filter(|&c| is_word(c)) {
            run.push(c);
            continue;
        }
        out.push_str(if words.contains(&run.as_str()) {
            " "
        } else {
            &run
        });
        run.clear();
        out.extend(c);
    }
    out
}

/// `str.split()`.
fn split(text: &str, python: &Python) -> Vec<String> {
    text.split(|c| python.space.contains(&u32::from(c)))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn filter(text: &str, keep: impl Fn(char) -> bool) -> String {
    text.chars().filter(|&c| keep(c)).collect()
}

/// The text that exact match compares and the tokens that F1 compares; `None`: only bounds are
/// checked (CMRC's western words follow nltk).
fn restated(text: &str, style: (&str, &str), python: &Python) -> Option<(String, Vec<String>)> {
    let ascii = |c: char| ASCII_PUNCTUATION.contains(c);
    let any = |c: char| ascii(c) || python.punctuation.contains(&u32::from(c));
    let characters = |text: &str| -> Vec<String> {
        text.chars()
            .filter(|&c| c != ' ')
            .map(String::from)
            .collect()
    };
    let words = |text: String| {
        let tokens = split(&text, python);
        Some((tokens.join(" "), tokens))
    };
    let lowered = lower(text, python);
    match style {
        ("squad1" | "squad2" | "mrqa", _) => words(without_words(
            &filter(&lowered, |c| !ascii(c)),
            &["a", "an", "the"],
            python,
        )),
        ("mlqa", language) => {
            let kept = filter(&lowered, |c| !any(c));
            let articles: &[&str] = match language {
                "en" => &["a", "an", "the"],
                "es" => &["un", "una", "unos", "unas", "el", "la", "los", "las"],
                "vi" => &["của", "là", "cái", "chiếc", "những"],
                "de" => &[
                    "ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den",
                    "dem", "des",
                ],
                "ar" => return words(kept.replace("ال", " ")),
                "zh" => {
                    // Segments, then single spaces.
                    let mut spaced = String::new();
                    for c in kept.chars() {
                        if ('\u{4e00}'..='\u{9fa5}').contains(&c) {
                            spaced.extend([' ', c, ' ']);
                        } else {
                            spaced.push(c);
                        }
                    }
                    return words(spaced);
                }
                _ => &[],
            };
            words(without_words(&kept, articles, python))
        }
        ("korquad", _) => {
            let marks = "'\"《》<>〈〉()‘’";
            let spaced: String = text
                .chars()
                .map(|c| if marks.contains(c) { ' ' } else { c })
                .collect();
            let kept = filter(&lower(&spaced, python), |c| !ascii(c));
            let joined = split(&kept, python).join(" ");
            let tokens = characters(&joined);
            Some((joined, tokens))
        }
        ("characters", _) => {
            let joined = split(&filter(&lowered, |c| !any(c)), python).concat();
            let tokens = characters(&joined);
            Some((joined, tokens))
        }
        _ => None,
    }
}

fn normalized(text: &str, style: (&str, &str), core: Style, tables: &Tables, python: &Python) {
    let mut into = Normalized::default();
    // What is left of an earlier answer must not matter.
    core.normalize("Σ the 中 x", tables, &mut into);
    core.normalize(text, tables, &mut into);
    let tokens: Vec<&str> = into
        .tokens()
        .map(|token| std::str::from_utf8(token).expect("a token is whole characters"))
        .collect();
    assert_eq!(tokens.len(), into.bounds.len());
    match restated(text, style, python) {
        Some((wanted, wanted_tokens)) => {
            assert_eq!(into.to_text(), wanted, "{style:?} {text:?}");
            assert_eq!(tokens, wanted_tokens, "{style:?} {text:?}");
        }
        None => {
            assert!(
                tokens.iter().all(|token| !token.is_empty()),
                "{text:?}: {tokens:?}"
            );
            let rising = into.bounds.windows(2).all(|pair| pair[0].1 <= pair[1].0);
            assert!(rising, "{text:?}: {:?}", into.bounds);
        }
    }
}

fn bag(tokens: &[&[u8]]) -> BTreeMap<Vec<u8>, usize> {
    let mut counts = BTreeMap::new();
    for token in tokens {
        *counts.entry(token.to_vec()).or_default() += 1;
    }
    counts
}

/// Exact match and F1 from the tokens, by counting.
fn scored(prediction: &str, golds: &[String], name: &str, style: Style, tables: &Tables) {
    let of = |text: &str| {
        let mut into = Normalized::default();
        style.normalize(text, tables, &mut into);
        into
    };
    let predicted = of(prediction);
    let mut compared: Vec<Normalized> = golds.iter().map(|gold| of(gold)).collect();
    if name == "squad2" {
        compared.retain(|gold| !gold.text.is_empty());
        if compared.is_empty() {
            compared.push(Normalized::default());
        }
    }
    let f1 = |gold: &Normalized| {
        let (a, b): (Vec<_>, Vec<_>) = (predicted.tokens().collect(), gold.tokens().collect());
        if name == "squad2" && (a.is_empty() || b.is_empty()) {
            return f64::from(u8::from(a.len() == b.len()));
        }
        let same = if name == "cmrc2018" {
            // The longest run that both have.
            let mut longest = 0;
            for start in 0..a.len() {
                for other in 0..b.len() {
                    let run = a[start..]
                        .iter()
                        .zip(&b[other..])
                        .take_while(|(x, y)| x == y);
                    longest = longest.max(run.count());
                }
            }
            longest
        } else {
            let right = bag(&b);
            bag(&a)
                .iter()
                .map(|(token, &count)| count.min(*right.get(token).unwrap_or(&0)))
                .sum()
        };
        if same == 0 {
            return 0.0;
        }
        let (precision, recall) = (same as f64 / a.len() as f64, same as f64 / b.len() as f64);
        2.0 * precision * recall / (precision + recall)
    };
    let best = compared.iter().map(f1).fold(0.0, f64::max);
    let exact = compared.iter().any(|gold| gold.text == predicted.text);
    let slices: Vec<&str> = golds.iter().map(String::as_str).collect();
    let questions = Questions {
        predictions: &[Some(prediction), None],
        golds: &slices,
        offsets: &[0, slices.len(), slices.len()],
    };
    let scores = score(questions, style, tables, &mut |_| Ok(())).expect("the offsets fit");
    let found = scores[0];
    assert_eq!(
        found.exact,
        f64::from(u8::from(exact)),
        "{name} {prediction:?} {golds:?}"
    );
    assert_eq!(
        found.f1.to_bits(),
        best.to_bits(),
        "{name} {prediction:?} {golds:?}: {}",
        found.f1
    );
    assert!(found.gold < golds.len() as i64 && found.gold >= -1);
    assert!(scores[1].exact.is_nan() && scores[1].f1.is_nan() && scores[1].gold == -1);
}
