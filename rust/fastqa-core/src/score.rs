//! Exact match and F1 of every question, each as one official script computes it.
//!
//! Questions are independent, so they run in parallel; the totals are left to the caller, who adds
//! them in the order of the references: the same bits for any number of threads.
use crate::Error;
use crate::normalize::Normalized;
use crate::parallel::{Between, map_in_pool};
use crate::pystring::Tables;
use crate::styles::{Overlap, Style};

/// Fewer questions than this are not worth the pool.
const SMALLEST: usize = 512;

/// The scores of one question; NaN and `gold` -1 where no prediction is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuestionScore {
    /// 1.0 when the prediction equals a gold answer after normalisation, else 0.0.
    pub exact: f64,
    /// The best F1 over the gold answers, 0.0 to 1.0.
    pub f1: f64,
    /// Which gold answer gave it (the first of equals); -1 when the question has none.
    pub gold: i64,
}

const UNANSWERED: QuestionScore = QuestionScore {
    exact: f64::NAN,
    f1: f64::NAN,
    gold: -1,
};

/// Predictions and gold answers: question `i` has `golds[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, Copy)]
pub struct Questions<'a> {
    /// One text for each question, `None` where the prediction is missing.
    pub predictions: &'a [Option<&'a str>],
    /// The gold answers of all questions.
    pub golds: &'a [&'a str],
    /// Where the gold answers of each question start, and a last entry.
    pub offsets: &'a [usize],
}

impl<'a> Questions<'a> {
    fn check(&self) -> Result<(), Error> {
        let (questions, offsets) = (self.predictions.len(), self.offsets.len());
        if offsets != questions + 1 {
            return Err(Error::value(format!(
                "offsets must have one entry more than there are predictions: got {offsets} offsets for {questions} predictions"
            )));
        }
        let rising = self
            .offsets
            .windows(2)
            .all(|pair| pair.first() <= pair.last());
        if !rising
            || self
                .offsets
                .last()
                .is_some_and(|&last| last > self.golds.len())
        {
            return Err(Error::value(format!(
                "offsets must rise and end at most at the number of gold answers, {}",
                self.golds.len()
            )));
        }
        Ok(())
    }

    fn golds_of(&self, question: usize) -> &'a [&'a str] {
        match (self.offsets.get(question), self.offsets.get(question + 1)) {
            (Some(&start), Some(&end)) => self.golds.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Score every question in `style`.
///
/// # Errors
/// [`Error::Value`] when the offsets do not fit the predictions and gold answers; what `between`
/// returned.
pub fn score(
    questions: Questions<'_>,
    style: Style,
    tables: &Tables,
    between: Between<'_>,
) -> Result<Vec<QuestionScore>, Error> {
    questions.check()?;
    let one = |scorer: &mut Scorer, question: usize| {
        Ok(match questions.predictions.get(question) {
            Some(Some(prediction)) => {
                scorer.question(prediction, questions.golds_of(question), style, tables)
            }
            _ => UNANSWERED,
        })
    };
    let count = questions.predictions.len();
    map_in_pool(count, SMALLEST, between, Scorer::default, one)
}

/// Buffers of one thread.
#[derive(Default)]
struct Scorer {
    prediction: Normalized,
    gold: Normalized,
    matched: Vec<bool>,
    row: Vec<usize>,
}

impl Scorer {
    fn question(
        &mut self,
        prediction: &str,
        golds: &[&str],
        style: Style,
        tables: &Tables,
    ) -> QuestionScore {
        style.normalize(prediction, tables, &mut self.prediction);
        let mut best = QuestionScore {
            exact: 0.0,
            f1: 0.0,
            gold: -1,
        };
        let mut scored = false;
        let mut previous = None;
        for (index, &text) in (0_i64..).zip(golds) {
            // Annotators agree most of the time: the second of two equal answers changes nothing.
            if previous.replace(text) == Some(text) {
                continue;
            }
            if text == prediction && !self.prediction.bounds.is_empty() {
                best = QuestionScore {
                    exact: 1.0,
                    f1: 1.0,
                    gold: index,
                };
                break;
            }
            style.normalize(text, tables, &mut self.gold);
            if style.drops_empty_golds() && self.gold.text.is_empty() {
                continue;
            }
            self.keep_better(&mut best, index, style);
            scored = true;
            if best.exact == 1.0 && best.f1 == 1.0 {
                break;
            }
        }
        if !scored && best.gold < 0 && style.drops_empty_golds() {
            // "For unanswerable questions, the only correct answer is the empty string."
            self.gold.clear();
            self.keep_better(&mut best, -1, style);
        }
        best
    }

    fn keep_better(&mut self, best: &mut QuestionScore, gold: i64, style: Style) {
        let exact = f64::from(u8::from(self.gold.text == self.prediction.text));
        let f1 = self.f1(style);
        if best.gold < 0 || (f1, exact) > (best.f1, best.exact) {
            best.gold = gold;
        }
        best.exact = best.exact.max(exact);
        best.f1 = best.f1.max(f1);
    }

    fn f1(&mut self, style: Style) -> f64 {
        let (predicted, gold) = (self.prediction.bounds.len(), self.gold.bounds.len());
        if style.empty_equals_empty() && (predicted == 0 || gold == 0) {
            return f64::from(u8::from(predicted == gold));
        }
        let same = match style.overlap() {
            Overlap::Bag => self.shared_tokens(),
            Overlap::LongestRun => self.longest_shared_run(),
        };
        if same == 0 {
            return 0.0;
        }
        // The order of the operations is the scripts': the last bit depends on it.
        let precision = same as f64 / predicted as f64;
        let recall = same as f64 / gold as f64;
        2.0 * precision * recall / (precision + recall)
    }

    /// Size of the intersection of the two bags of tokens.
    fn shared_tokens(&mut self) -> usize {
        let (prediction, gold) = (&self.prediction, &self.gold);
        if prediction.bounds.len() * gold.bounds.len() > 4096 {
            return sorted_intersection(prediction, gold);
        }
        self.matched.clear();
        self.matched.resize(gold.bounds.len(), false);
        prediction
            .tokens()
            .filter(|token| {
                let free = |(index, taken): (usize, &mut bool)| -> Option<()> {
                    (!*taken && gold.token(index) == *token).then(|| *taken = true)
                };
                self.matched.iter_mut().enumerate().find_map(free).is_some()
            })
            .count()
    }

    /// Length of the longest contiguous run of tokens that both have (CMRC 2018).
    fn longest_shared_run(&mut self) -> usize {
        let (prediction, gold) = (&self.prediction, &self.gold);
        self.row.clear();
        self.row.resize(gold.bounds.len() + 1, 0);
        let mut longest = 0;
        for token in prediction.tokens() {
            let mut diagonal = 0;
            for (other, length) in gold.tokens().zip(self.row.iter_mut().skip(1)) {
                let here = if token == other { diagonal + 1 } else { 0 };
                diagonal = std::mem::replace(length, here);
                longest = longest.max(here);
            }
        }
        longest
    }
}

/// The same for long answers, where comparing every pair would be quadratic.
fn sorted_intersection(one: &Normalized, other: &Normalized) -> usize {
    let (mut one, mut other): (Vec<&[u8]>, Vec<&[u8]>) =
        (one.tokens().collect(), other.tokens().collect());
    one.sort_unstable();
    other.sort_unstable();
    let (mut left, mut right, mut shared) = (one.iter().peekable(), other.iter().peekable(), 0);
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                left.next();
                right.next();
            }
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(prediction: &str, golds: &[&str], style: Style) -> QuestionScore {
        let tables = Tables::from_rust(golds.iter().copied().chain([prediction]));
        Scorer::default().question(prediction, golds, style, &tables)
    }

    #[test]
    fn two_articles_score_nothing_in_v1_and_everything_in_v2() {
        assert_eq!(
            one("the", &["a"], Style::Squad1),
            QuestionScore {
                exact: 1.0,
                f1: 0.0,
                gold: 0
            }
        );
        assert_eq!(
            one("the", &["a"], Style::Squad2),
            QuestionScore {
                exact: 1.0,
                f1: 1.0,
                gold: -1
            }
        );
    }

    #[test]
    fn the_best_gold_counts_and_is_named() {
        let score = one(
            "red green",
            &["blue", "red", "Red, green!", "red"],
            Style::Squad1,
        );
        assert_eq!(
            score,
            QuestionScore {
                exact: 1.0,
                f1: 1.0,
                gold: 2
            }
        );
        let partial = one("red green", &["blue", "red"], Style::Squad2);
        assert_eq!((partial.gold, partial.exact), (1, 0.0));
        assert!((partial.f1 - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn a_token_counts_as_often_as_both_sides_have_it() {
        let score = one("x x y", &["x x x"], Style::Squad1);
        assert!((score.f1 - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn offsets_that_do_not_fit_are_refused() {
        let refused = |offsets: &[usize]| {
            let questions = Questions {
                predictions: &[Some("a")],
                golds: &["a"],
                offsets,
            };
            score(
                questions,
                Style::Squad1,
                &Tables::default(),
                &mut |_| Ok(()),
            )
            .is_err()
        };
        assert!(refused(&[0]) && refused(&[0, 2]) && refused(&[1, 0]));
        assert!(!refused(&[0, 1]));
    }

    proptest! {
        #[test]
        fn sorting_and_matching_count_the_same_tokens(left in "[abc ]{0,30}", right in "[abc ]{0,30}") {
            let tables = Tables::default();
            let mut scorer = Scorer::default();
            crate::normalize::squad(&left, &tables, &mut scorer.prediction);
            crate::normalize::squad(&right, &tables, &mut scorer.gold);
            let sorted = sorted_intersection(&scorer.prediction, &scorer.gold);
            prop_assert_eq!(scorer.shared_tokens(), sorted);
        }
    }
}
