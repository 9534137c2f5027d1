//! SQuAD's answer normalisation: lower case, no ASCII punctuation, no articles, single spaces.
//!
//! The official script makes five passes with a new string each. Here it is one pass over bytes
//! for ASCII (nearly every English answer) and one over characters else, into a buffer that is
//! kept from answer to answer. What an article is follows `\b(a|an|the)\b` of Python's `re`: a
//! whole run of `\w` characters, looked for *after* punctuation is gone ("co-the-op" keeps it).
//! O(length); both passes give the same text and tokens where both can be taken.
use crate::pystring::{Tables, is_ascii_space};

/// An answer made ready for comparison, as UTF-8. Reused from answer to answer: no allocation.
#[derive(Debug, Clone, Default)]
pub struct Normalized {
    /// The text that exact match compares.
    pub text: Vec<u8>,
    /// Byte ranges of the tokens that F1 compares.
    pub bounds: Vec<(usize, usize)>,
    lowered: String,
}

impl Normalized {
    /// Token `index`; "" beyond the end.
    #[inline]
    pub fn token(&self, index: usize) -> &[u8] {
        let (start, end) = self.bounds.get(index).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default()
    }

    /// The tokens that F1 compares.
    pub fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.bounds.len()).map(|index| self.token(index))
    }

    /// The text that exact match compares, as a string.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// Every character but the spaces between tokens becomes a token.
    pub(crate) fn cut_into_characters(&mut self) {
        self.bounds.clear();
        let text = String::from_utf8_lossy(&self.text);
        let characters = text.char_indices().filter(|(_, c)| *c != ' ');
        self.bounds
            .extend(characters.map(|(at, c)| (at, at + c.len_utf8())));
    }

    /// Empty, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.bounds.clear();
    }
}

/// What the ASCII pass does with a byte: drop it, end the token, hand over to the general path, or
/// append the byte of the table.
const DROP: u8 = 0;
const SPACE: u8 = b' ';
const GENERAL: u8 = 1;

const ACTIONS: [u8; 256] = {
    let mut actions = [GENERAL; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        if c.is_ascii_punctuation() {
            actions[byte] = DROP;
        } else if c.is_ascii_alphanumeric() {
            actions[byte] = c.to_ascii_lowercase();
        } else if is_ascii_space(c) {
            actions[byte] = SPACE;
        }
        byte += 1;
    }
    actions
};

/// Which words SQuAD-like normalisation removes.
pub const ENGLISH_ARTICLES: &[&str] = &["a", "an", "the"];

/// `normalize_answer` of the SQuAD scripts, with its tokens.
pub fn squad(text: &str, tables: &Tables, into: &mut Normalized) {
    into.clear();
    if ascii(text.as_bytes(), into) {
        return;
    }
    into.clear();
    let mut lowered = std::mem::take(&mut into.lowered);
    lowered.clear();
    tables.lower(text, &mut lowered);
    let mut builder = Builder::new(into);
    for c in lowered.chars() {
        if c.is_ascii_punctuation() {
            continue;
        }
        if tables.is_word(c) {
            builder.word(c);
        } else if tables.is_space(c) {
            builder.close_run(ENGLISH_ARTICLES);
            builder.close_token();
        } else {
            builder.close_run(ENGLISH_ARTICLES);
            builder.push(c);
        }
    }
    builder.finish(ENGLISH_ARTICLES);
    into.lowered = lowered;
}

/// What TriviaQA's script turns into spaces besides ASCII punctuation.
const TRIVIAQA_MARKS: &str = "‘’´";

/// `normalize_answer` of TriviaQA's script: marks become spaces, then as SQuAD.
pub fn triviaqa(text: &str, tables: &Tables, into: &mut Normalized) {
    let mut lowered = String::with_capacity(text.len());
    tables.lower(text, &mut lowered);
    let is_mark = |c: char| c.is_ascii_punctuation() || TRIVIAQA_MARKS.contains(c);
    squad(&lowered.replace(is_mark, " "), tables, into);
}

/// The pass over letters, digits, ASCII punctuation and white space: there a token is a run of `\w`
/// characters, so an article is a whole token. False when the text has anything else.
fn ascii(bytes: &[u8], into: &mut Normalized) -> bool {
    let (text, bounds) = (&mut into.text, &mut into.bounds);
    let mut token = 0;
    for &byte in bytes.iter().chain(b" ") {
        match ACTIONS.get(usize::from(byte)).copied().unwrap_or(GENERAL) {
            DROP => {}
            SPACE => {
                let end = text.len();
                match text.get(token..).unwrap_or_default() {
                    [] => {}
                    b"a" | b"an" | b"the" => text.truncate(token),
                    _ => {
                        bounds.push((token, end));
                        text.push(SPACE);
                        token = end + 1;
                    }
                }
            }
            GENERAL => return false,
            lowered => text.push(lowered),
        }
    }
    if text.last() == Some(&SPACE) {
        text.pop();
    }
    true
}

/// Builds the normalised text token by token. Also used by the language styles.
pub(crate) struct Builder<'a> {
    pub(crate) into: &'a mut Normalized,
    /// Where the token in progress starts in `into.text`.
    pub(crate) token: usize,
    /// Where the run of `\w` characters in progress starts, if one is.
    pub(crate) run: Option<usize>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(into: &'a mut Normalized) -> Self {
        Self {
            into,
            token: 0,
            run: None,
        }
    }

    #[inline]
    pub(crate) fn word(&mut self, c: char) {
        self.run.get_or_insert(self.into.text.len());
        self.push(c);
    }

    #[inline]
    pub(crate) fn push(&mut self, c: char) {
        self.into
            .text
            .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Take back the last character of the token in progress, if it is `c`.
    pub(crate) fn drop_last(&mut self, c: char) -> bool {
        let open = self.into.text.get(self.token..).unwrap_or_default();
        let found = open.ends_with(c.encode_utf8(&mut [0; 4]).as_bytes());
        if found {
            self.into.text.truncate(self.into.text.len() - c.len_utf8());
        }
        found
    }

    /// The run of `\w` characters ends: an article is replaced by a space, so it ends the token.
    #[inline]
    pub(crate) fn close_run(&mut self, articles: &[&str]) {
        let Some(start) = self.run.take() else { return };
        let run = self.into.text.get(start..).unwrap_or_default();
        if articles.iter().any(|article| article.as_bytes() == run) {
            self.into.text.truncate(start);
            self.close_token();
        }
    }

    /// White space: a token that has characters is noted, and one space put behind it.
    #[inline]
    pub(crate) fn close_token(&mut self) {
        let end = self.into.text.len();
        if end > self.token {
            self.into.bounds.push((self.token, end));
            self.into.text.push(SPACE);
            self.token = end + 1;
        }
    }

    pub(crate) fn finish(mut self, articles: &[&str]) {
        self.close_run(articles);
        self.close_token();
        if self.into.text.last() == Some(&SPACE) {
            self.into.text.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normalized(text: &str) -> String {
        let mut into = Normalized::default();
        squad(text, &Tables::from_rust([text]), &mut into);
        assert_eq!(into.tokens().collect::<Vec<_>>().join(&SPACE), into.text);
        into.to_text()
    }

    /// The official steps, one after the other, over characters.
    fn stepwise(text: &str) -> String {
        let tables = Tables::from_rust([text]);
        let kept: String = text
            .to_lowercase()
            .chars()
            .filter(|c| !c.is_ascii_punctuation())
            .collect();
        let mut without_articles = String::new();
        let mut run = String::new();
        for c in kept.chars().map(Some).chain([None]) {
            match c {
                Some(c) if tables.is_word(c) => run.push(c),
                other => {
                    let article = matches!(run.as_str(), "a" | "an" | "the");
                    without_articles.push_str(if article { " " } else { &run });
                    run.clear();
                    without_articles.extend(other);
                }
            }
        }
        let words: Vec<&str> = without_articles
            .split(|c| tables.is_space(c))
            .filter(|word| !word.is_empty())
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_official_oddities_are_kept() {
        for (text, expected) in [
            ("The  U.S.A.", "usa"),
            ("a-b", "ab"),
            ("co-the-op", "cotheop"),
            ("an\u{a0}apple", "apple"),
            ("the", ""),
            ("a\u{200b}the", "\u{200b}"),
            ("«The»", "« »"),
            ("İ", "i\u{307}"),
            ("a\u{0}b", "\u{0}b"),
            ("x\u{1c}y", "x y"),
            ("_a_", ""),
            ("", ""),
        ] {
            assert_eq!(normalized(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn one_pass_equals_the_official_steps(text in "([ -~]|the|an|a|[ \t\u{a0}\u{1c}«é中Σ]|\\PC){0,12}") {
            prop_assert_eq!(normalized(&text), stepwise(&text));
        }
    }
}
