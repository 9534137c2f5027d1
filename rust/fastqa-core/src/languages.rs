//! Normalisation of the official scripts for other languages than English.
//!
//! Each function fills a [`Normalized`]: the text that exact match compares and the tokens that F1
//! counts, in O(length), the text lowered first as Python lowers it. What a space, a word
//! character or a mark is comes from [`Tables`]: the scripts are Python, and so are their classes
//! of characters.
use crate::normalize::{Builder, ENGLISH_ARTICLES, Normalized};
use crate::pystring::Tables;
use crate::segment::western_words;

/// What MLQA's script does in one language beyond lower case and punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mlqa {
    /// Whole words that are removed; none for Hindi.
    Articles(&'static [&'static str]),
    /// "ال" is removed anywhere, also inside words: the script's `\sال^|ال`, whose first half can
    /// never match.
    Arabic,
    /// CJK characters are tokens of their own.
    Chinese,
}

const SPANISH_ARTICLES: &[&str] = &["un", "una", "unos", "unas", "el", "la", "los", "las"];
const VIETNAMESE_ARTICLES: &[&str] = &["của", "là", "cái", "chiếc", "những"];
const GERMAN_ARTICLES: &[&str] = &[
    "ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des",
];

impl Mlqa {
    /// By language code.
    pub fn of(language: &str) -> Option<Self> {
        match language {
            "en" => Some(Self::Articles(ENGLISH_ARTICLES)),
            "es" => Some(Self::Articles(SPANISH_ARTICLES)),
            "vi" => Some(Self::Articles(VIETNAMESE_ARTICLES)),
            "de" => Some(Self::Articles(GERMAN_ARTICLES)),
            "hi" => Some(Self::Articles(&[])),
            "ar" => Some(Self::Arabic),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    fn articles(self) -> &'static [&'static str] {
        match self {
            Self::Articles(articles) => articles,
            Self::Arabic | Self::Chinese => &[],
        }
    }
}

/// The only block that MLQA and CMRC 2018 cut into characters.
pub(crate) fn is_cjk(c: char) -> bool {
    ('\u{4e00}'..='\u{9fa5}').contains(&c)
}

fn lowered(text: &str, tables: &Tables) -> String {
    let mut lowered = String::with_capacity(text.len());
    tables.lower(text, &mut lowered);
    lowered
}

/// MLQA's `normalize_answer`.
pub fn mlqa(text: &str, language: Mlqa, tables: &Tables, into: &mut Normalized) {
    into.clear();
    let articles = language.articles();
    let mut builder = Builder::new(into);
    for c in lowered(text, tables).chars() {
        if tables.is_punctuation(c) {
            continue;
        }
        if tables.is_space(c) {
            builder.close_run(articles);
            builder.close_token();
        } else if language == Mlqa::Chinese && is_cjk(c) {
            builder.close_token();
            builder.push(c);
            builder.close_token();
        } else if language == Mlqa::Arabic && c == 'ل' && builder.drop_last('ا') {
            builder.close_token();
        } else if tables.is_word(c) {
            builder.word(c);
        } else {
            builder.close_run(articles);
            builder.push(c);
        }
    }
    builder.finish(articles);
}

/// The marks that CMRC 2018's script removes. The script lists '……' too, which is two characters
/// and so never equals one: an ellipsis stays.
const CMRC_MARKS: &str = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』";

/// CMRC 2018: exact match on the text without marks, F1 over Chinese characters and western words.
pub fn cmrc2018(text: &str, tables: &Tables, into: &mut Normalized) {
    into.clear();
    let lowered = lowered(text, tables);
    let stripped = lowered.trim_matches(|c| tables.is_space(c));
    let kept: String = stripped
        .chars()
        .filter(|&c| !CMRC_MARKS.contains(c))
        .collect();
    let mut run = None;
    for (position, c) in kept.char_indices() {
        if is_cjk(c) {
            if let Some(start) = run.take() {
                western_words(&kept, start, position, tables, &mut into.bounds);
            }
            into.bounds.push((position, position + c.len_utf8()));
        } else {
            run.get_or_insert(position);
        }
    }
    if let Some(start) = run {
        western_words(&kept, start, kept.len(), tables, &mut into.bounds);
    }
    into.text = kept.into_bytes();
}

/// Quotes and brackets that KorQuAD's script turns into spaces, before lower case.
const KORQUAD_MARKS: &str = "'\"《》<>〈〉()‘’";

/// KorQuAD 1: exact match on words joined by single spaces, F1 over their characters.
pub fn korquad(text: &str, tables: &Tables, into: &mut Normalized) {
    into.clear();
    let spaced: String = text
        .chars()
        .map(|c| if KORQUAD_MARKS.contains(c) { ' ' } else { c })
        .collect();
    let mut builder = Builder::new(into);
    for c in lowered(&spaced, tables)
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
    {
        if tables.is_space(c) {
            builder.close_token();
        } else {
            builder.push(c);
        }
    }
    builder.finish(&[]);
    into.cut_into_characters();
}

/// Ours: characters without punctuation and spaces.
pub fn characters(text: &str, tables: &Tables, into: &mut Normalized) {
    into.clear();
    let mut builder = Builder::new(into);
    for c in lowered(text, tables).chars() {
        if !tables.is_punctuation(c) && !tables.is_space(c) {
            builder.push(c);
        }
    }
    builder.finish(&[]);
    into.cut_into_characters();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::styles::Style;

    fn shown(style: Style, text: &str) -> (String, Vec<String>) {
        let mut into = Normalized::default();
        style.normalize(text, &Tables::from_rust([text]), &mut into);
        let tokens = into
            .tokens()
            .map(|token| String::from_utf8_lossy(token).into_owned());
        (into.to_text(), tokens.collect())
    }

    fn mlqa_text(language: &str, text: &str) -> String {
        Style::parse("mlqa", Some(language))
            .map_or_else(|_| String::new(), |style| shown(style, text).0)
    }

    #[test]
    fn mlqa_removes_the_articles_of_the_language() {
        assert_eq!(mlqa_text("de", "Der Hund, das ein-mal"), "hund einmal");
        assert_eq!(mlqa_text("es", "la casa de los $20"), "casa de 20");
        assert_eq!(mlqa_text("ar", "في البيت ال"), "في بيت");
        assert_eq!(mlqa_text("zh", "在 IBM公司2 年"), "在 ibm 公 司 2 年");
        assert_eq!(mlqa_text("hi", "the a"), "the a");
    }

    #[test]
    fn cmrc_cuts_chinese_into_characters_and_keeps_western_words() {
        let (text, tokens) = shown(Style::Cmrc2018, " 约3.5%，Nexon公司 ");
        assert_eq!(text, "约3.5%nexon公司");
        assert_eq!(tokens, ["约", "3.5", "%", "nexon", "公", "司"]);
    }

    #[test]
    fn korquad_counts_characters_and_compares_words() {
        let (text, tokens) = shown(Style::Korquad, "(서울)의 A.B");
        assert_eq!(text, "서울 의 ab");
        assert_eq!(tokens, ["서", "울", "의", "a", "b"]);
    }

    #[test]
    fn our_character_style_has_no_spaces() {
        assert_eq!(shown(Style::Characters, "กรุง เทพ!").0, "กรุงเทพ");
    }
}
