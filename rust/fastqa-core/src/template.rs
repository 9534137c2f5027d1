//! What a window is made of: special tokens, a question, a piece of a context, padding; and windows
//! as columns, to which one is appended in O(its length).
//!
//! Invariants: all token columns have the same length; offsets are (0, 0) outside of the context, so
//! that "context" can be read off lengths and offsets alone; the number of tokens never exceeds
//! `max_length`, which `windows.rs` has checked.
use crate::Error;

/// Special tokens of one place in a window, with their token type ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct Specials<'a> {
    /// Token ids.
    pub ids: &'a [i32],
    /// Token type id of each.
    pub type_ids: &'a [i8],
}

/// How the tokenizer joins a question and a piece of context.
#[derive(Debug, Clone, Copy, Default)]
pub struct Template<'a> {
    /// Before the first text (`[CLS]`).
    pub prefix: Specials<'a>,
    /// Between the texts (`[SEP]`).
    pub middle: Specials<'a>,
    /// After the second text (`[SEP]`).
    pub suffix: Specials<'a>,
    /// Token type id of question tokens.
    pub question_type: i8,
    /// Token type id of context tokens.
    pub context_type: i8,
    /// The context comes first (tokenizers that pad on the left).
    pub context_first: bool,
}

/// Padding to `max_length`.
#[derive(Debug, Clone, Copy)]
pub struct Padding {
    /// Id of the padding token.
    pub id: i32,
    /// Token type id of padding.
    pub type_id: i8,
    /// Pad before the window instead of after it.
    pub left: bool,
}

/// Windows end to end: tokens of window `w` are `starts[w]..starts[w + 1]` of each token column.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// Token ids.
    pub input_ids: Vec<i32>,
    /// Token type ids.
    pub type_ids: Vec<i8>,
    /// 1 for a token, 0 for padding.
    pub attention_mask: Vec<i8>,
    /// Character span in the context of each token, two numbers per token; (0, 0) elsewhere.
    pub offsets: Vec<i32>,
    /// Where each window starts, and the total length last.
    pub starts: Vec<i64>,
    /// The example of each window.
    pub example: Vec<i64>,
    /// Tokens of each window that are context, two numbers per window, counted in the window.
    pub context_span: Vec<i64>,
    /// How many questions were cut.
    pub cut_questions: usize,
}

impl Template<'_> {
    /// How many special tokens a window has.
    pub(crate) fn special_tokens(&self) -> usize {
        self.prefix.ids.len() + self.middle.ids.len() + self.suffix.ids.len()
    }
}

impl Windows {
    /// Append one window; `padding` comes with the length to fill up to.
    pub(crate) fn push(
        &mut self,
        question: &[i32],
        context: &[i32],
        context_offsets: &[i32],
        template: &Template<'_>,
        padding: Option<(Padding, usize)>,
    ) -> Result<(), Error> {
        let tokens = template.special_tokens() + question.len() + context.len();
        let pads = padding.map(|(padding, length)| (padding, length.saturating_sub(tokens)));
        let window_start = self.input_ids.len();
        if let Some((padding, count)) = pads.filter(|(padding, _)| padding.left) {
            self.push_padding(padding, count);
        }
        self.push_specials(template.prefix);
        if !template.context_first {
            self.push_question(question, template.question_type);
            self.push_specials(template.middle);
        }
        let context_start = self.input_ids.len() - window_start;
        self.input_ids.extend_from_slice(context);
        self.type_ids
            .resize(self.input_ids.len(), template.context_type);
        self.attention_mask.resize(self.input_ids.len(), 1);
        self.offsets.extend_from_slice(context_offsets);
        if template.context_first {
            self.push_specials(template.middle);
            self.push_question(question, template.question_type);
        }
        self.push_specials(template.suffix);
        if let Some((padding, count)) = pads.filter(|(padding, _)| !padding.left) {
            self.push_padding(padding, count);
        }
        self.context_span.push(to_i64(context_start)?);
        self.context_span
            .push(to_i64(context_start + context.len())?);
        self.starts.push(to_i64(self.input_ids.len())?);
        Ok(())
    }

    fn push_specials(&mut self, specials: Specials<'_>) {
        self.input_ids.extend_from_slice(specials.ids);
        self.type_ids.extend_from_slice(specials.type_ids);
        self.finish_without_text(1);
    }

    fn push_question(&mut self, question: &[i32], type_id: i8) {
        self.input_ids.extend_from_slice(question);
        self.type_ids.resize(self.input_ids.len(), type_id);
        self.finish_without_text(1);
    }

    fn push_padding(&mut self, padding: Padding, count: usize) {
        self.input_ids
            .resize(self.input_ids.len() + count, padding.id);
        self.type_ids.resize(self.input_ids.len(), padding.type_id);
        self.finish_without_text(0);
    }

    /// Bring the mask and the offsets up to the length of `input_ids`.
    fn finish_without_text(&mut self, attention: i8) {
        self.attention_mask.resize(self.input_ids.len(), attention);
        self.offsets.resize(2 * self.input_ids.len(), 0);
    }
}

pub(crate) fn to_i64(number: usize) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::value("more tokens than can be counted"))
}
