//! The official scripts as named styles: how each normalises, cuts into tokens and compares.
use crate::Error;
use crate::normalize::{self, Normalized};
use crate::pystring::Tables;

/// Whose rules a score follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// SQuAD 1.1: gold answers as given; two empty answers share no token (F1 0).
    Squad1,
    /// SQuAD 2.0: gold answers that are empty once normalised do not count; "" is right for no answer.
    Squad2,
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
    /// [`Error::Value`] for a name that is not known; the text lists those that are.
    pub fn parse(name: &str, _language: Option<&str>) -> Result<Self, Error> {
        match name {
            "squad1" | "mrqa" => Ok(Self::Squad1),
            "squad2" => Ok(Self::Squad2),
            _ => Err(Error::value(format!(
                "style is {name:?}, expected one of: squad1, squad2, mrqa"
            ))),
        }
    }

    /// Make `text` ready for comparison.
    pub fn normalize(self, text: &str, tables: &Tables, into: &mut Normalized) {
        match self {
            Self::Squad1 | Self::Squad2 => normalize::squad(text, tables, into),
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
        Overlap::Bag
    }
}
