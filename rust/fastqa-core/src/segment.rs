//! Words of a western run inside Chinese text, as the Treebank tokenizer cuts them.
//!
//! CMRC 2018's script hands such runs to `nltk.word_tokenize`. These are its rules for one sentence
//! (nltk first looks for sentences with a trained model, which only matters for a full stop in the
//! middle of a run, and writes `"` as two quotes of a kind; here it is one token).
use crate::pystring::Tables;

/// Characters that are tokens of their own.
const SINGLE: &str = ";@#$%&?!*()[]{}<>\"«»“”‘’„`–—";
/// What may stand behind the full stop of a sentence.
const CLOSING: &str = "])}>\"'»”’ ";
const CONTRACTIONS: &[(&str, usize)] = &[
    ("cannot", 3),
    ("gimme", 3),
    ("gonna", 3),
    ("gotta", 3),
    ("lemme", 3),
    ("wanna", 3),
];

/// Append the byte ranges of the words in `text[start..end]`, which is in lower case.
pub(crate) fn western_words(
    text: &str,
    start: usize,
    end: usize,
    tables: &Tables,
    bounds: &mut Vec<(usize, usize)>,
) {
    let run = text.get(start..end).unwrap_or_default();
    let stop = final_stop(run);
    let mut word = None;
    let mut characters = run.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let alone = match c {
            '.' => Some(at) == stop || next == Some('.'),
            ',' | ':' => !next.is_some_and(char::is_numeric),
            '\'' => next == Some('\'') || apart(run.get(at + 1..).unwrap_or_default(), tables),
            _ => SINGLE.contains(c),
        };
        if alone || tables.is_space(c) {
            if let Some(begin) = word.take() {
                split_word(run, begin, at, start, bounds);
            }
        } else {
            word.get_or_insert(at);
        }
        if alone {
            let mut until = at + c.len_utf8();
            while matches!(c, '.' | '\'') && characters.next_if(|(_, next)| *next == c).is_some() {
                until += 1;
            }
            bounds.push((start + at, start + until));
        }
    }
    if let Some(begin) = word {
        split_word(run, begin, run.len(), start, bounds);
    }
}

/// Whether an apostrophe before `rest` is a token: at the end of a word, and before a single letter
/// that is no contraction ("'a").
fn apart(rest: &str, tables: &Tables) -> bool {
    let mut following = rest.chars();
    let Some(next) = following.next() else {
        return true;
    };
    let ends = |c: char| !tables.is_word(c);
    tables.is_space(next)
        || SINGLE.contains(next)
        || (tables.is_word(next) && !"mtsdn".contains(next) && following.next().is_none_or(ends))
}

/// Position of a full stop that ends the run, if one does.
fn final_stop(run: &str) -> Option<usize> {
    let body = run.trim_end_matches(|c| CLOSING.contains(c));
    let before = body.strip_suffix('.')?;
    (!before.is_empty() && !before.ends_with('.')).then_some(before.len())
}

/// "it's" is two words, and so is "don't".
fn split_word(run: &str, begin: usize, end: usize, base: usize, bounds: &mut Vec<(usize, usize)>) {
    let word = run.get(begin..end).unwrap_or_default();
    let contraction = CONTRACTIONS
        .iter()
        .find(|(whole, _)| *whole == word)
        .map(|(_, cut)| *cut);
    let cut = contraction.or_else(|| {
        let endings = ["n't", "'ll", "'re", "'ve", "'s", "'m", "'d"];
        let ending = endings.iter().find(|ending| word.ends_with(**ending))?;
        Some(word.len() - ending.len()).filter(|&cut| cut > 0)
    });
    let middle = begin + cut.unwrap_or(word.len());
    bounds.push((base + begin, base + middle));
    if middle < end {
        bounds.push((base + middle, base + end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut bounds = Vec::new();
        western_words(text, 0, text.len(), &Tables::from_rust([text]), &mut bounds);
        bounds
            .iter()
            .filter_map(|&(start, end)| text.get(start..end))
            .collect()
    }

    #[test]
    fn numbers_stay_whole_and_marks_stand_alone() {
        assert_eq!(words("1,000.5 km, 20%"), ["1,000.5", "km", ",", "20", "%"]);
        assert_eq!(words("u.s. army."), ["u.s.", "army", "."]);
        assert_eq!(words("wait... (no)"), ["wait", "...", "(", "no", ")"]);
        assert_eq!(
            words("it's don't cannot dogs'"),
            ["it", "'s", "do", "n't", "can", "not", "dogs", "'"]
        );
        assert_eq!(words("."), ["."]);
        assert_eq!(words("  "), Vec::<&str>::new());
    }
}
