//! The official scripts as named styles: how each normalises, cuts into tokens and compares.
//!
//! A style is a name, a function that normalises (in `normalize.rs` or `languages.rs`), and the
//! three switches at the end of this file; `score.rs` reads nothing else. Normalising is O(length)
//! for each text, F1 O(tokens of the prediction x tokens of the gold answer) up to 4096 pairs and
//! O(n log n) beyond. How to add one: CONTRIBUTING.md.
use crate::Error;
use crate::languages::{self, Mlqa};
use crate::normalize::{self, Normalized};
use crate::pystring::Tables;

/// Every name that [`Style::parse`] knows.
pub const NAMES: [&str; 8] = [
    "squad1",
    "squad2",
    "mlqa",
    "cmrc2018",
    "korquad",
    "mrqa",
    "triviaqa",
    "characters",
];

/// Whose rules a score follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// SQuAD 1.1 and MRQA: gold answers as given; two empty answers share no token (F1 0).
    Squad1,
    /// SQuAD 2.0: gold answers that are empty once normalised do not count; "" is right for no answer.
    Squad2,
    /// MLQA: all Unicode punctuation, the articles of the answer's language, Chinese by character.
    Mlqa(Mlqa),
    /// CMRC 2018: a list of marks, Chinese by character, the longest common run of segments.
    Cmrc2018,
    /// KorQuAD 1: quotes and brackets become spaces, F1 over characters.
    Korquad,
    /// TriviaQA: as SQuAD 1.1, but a mark separates words instead of joining them.
    Triviaqa,
    /// Ours, for languages without word spaces that no official script handles (Thai, Japanese):
    /// no Unicode punctuation, no spaces, F1 over characters.
    Characters,
}

/// What F1 counts as shared between two lists of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// The intersection of the two bags.
    Bag,
    /// The longest contiguous run.
    LongestRun,
}

impl Style {
    /// The style of a name, in a language where the style knows several.
    ///
    /// # Errors
    /// [`Error::Value`] for a name or language that is not known; the text lists those that are.
    pub fn parse(name: &str, language: Option<&str>) -> Result<Self, Error> {
        match name {
            "squad1" | "mrqa" => Ok(Self::Squad1),
            "squad2" => Ok(Self::Squad2),
            "cmrc2018" => Ok(Self::Cmrc2018),
            "korquad" => Ok(Self::Korquad),
            "triviaqa" => Ok(Self::Triviaqa),
            "characters" => Ok(Self::Characters),
            "mlqa" => Mlqa::of(language.unwrap_or("en")).map(Self::Mlqa).ok_or_else(|| {
                Error::value(format!(
                    "lang is {language:?}, expected one of MLQA's languages: ar, de, en, es, hi, vi, zh"
                ))
            }),
            _ => Err(Error::value(format!(
                "style is {name:?}, expected one of: {}",
                NAMES.join(", ")
            ))),
        }
    }

    /// Make `text` ready for comparison.
    pub fn normalize(self, text: &str, tables: &Tables, into: &mut Normalized) {
        match self {
            Self::Squad1 | Self::Squad2 => normalize::squad(text, tables, into),
            Self::Mlqa(language) => languages::mlqa(text, language, tables, into),
            Self::Cmrc2018 => languages::cmrc2018(text, tables, into),
            Self::Korquad => languages::korquad(text, tables, into),
            Self::Triviaqa => normalize::triviaqa(text, tables, into),
            Self::Characters => languages::characters(text, tables, into),
        }
    }

    /// SQuAD 2.0 leaves out gold answers that are empty once normalised.
    pub fn drops_empty_golds(self) -> bool {
        self == Self::Squad2
    }

    /// SQuAD 2.0 gives F1 1 when both sides are empty; the others 0.
    pub fn empty_equals_empty(self) -> bool {
        self == Self::Squad2
    }

    /// What F1 counts.
    pub fn overlap(self) -> Overlap {
        if self == Self::Cmrc2018 {
            Overlap::LongestRun
        } else {
            Overlap::Bag
        }
    }
}
