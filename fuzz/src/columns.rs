//! A [`Case`] in the memory layout that the engine reads, in each of its variants.
use arbitrary::{Result, Unstructured};
use fastqa_core::columns::{Bitmap, Extents, Integers, Strings, Utf8Chunk};
use fastqa_core::mapping::Windows;
use fastqa_core::offsets::{Offsets, OffsetsChunk};
use fastqa_core::params::SpanParams;
use fastqa_core::positions::{MaxContext, NullPosition};
use fastqa_core::search::Search;

use crate::search_case::{Case, NullAt, Token, WindowCase};

/// Integers of either width.
#[derive(Debug)]
pub enum Numbers {
    Narrow(Vec<i32>),
    Wide(Vec<i64>),
}

impl Numbers {
    /// `values` in 32 bits where they fit and it is wished for.
    pub fn new(values: Vec<i64>, narrow: bool) -> Self {
        let small: std::result::Result<Vec<i32>, _> =
            values.iter().map(|&value| i32::try_from(value)).collect();
        match small {
            Ok(small) if narrow => Self::Narrow(small),
            _ => Self::Wide(values),
        }
    }

    pub fn view(&self) -> Integers<'_> {
        match self {
            Self::Narrow(values) => Integers::I32(values),
            Self::Wide(values) => Integers::I64(values),
        }
    }
}

/// Strings as one Arrow chunk.
#[derive(Debug)]
pub struct Text {
    bytes: Vec<u8>,
    offsets: Numbers,
}

impl Text {
    fn new(strings: &[String], narrow: bool) -> Self {
        let mut offsets = vec![0];
        let mut bytes = Vec::new();
        for string in strings {
            bytes.extend_from_slice(string.as_bytes());
            offsets.push(bytes.len() as i64);
        }
        Self {
            bytes,
            offsets: Numbers::new(offsets, narrow),
        }
    }

    fn view(&self) -> Strings<'_> {
        Strings::from_chunks(vec![Utf8Chunk {
            bytes: &self.bytes,
            offsets: self.offsets.view(),
        }])
    }
}

#[derive(Debug)]
struct Chunk {
    rows: Numbers,
    tokens: Numbers,
    validity: Option<(Vec<u8>, usize)>,
    values: Numbers,
    count: usize,
    input_ids: (Numbers, Numbers),
}

/// How the columns of a case are laid out: the same case in other layouts must give the same.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    narrow: bool,
    validity: bool,
    bit_offset: usize,
    split: bool,
    slices: bool,
    fixed_rows: bool,
}

impl Layout {
    pub fn any(input: &mut Unstructured<'_>) -> Result<Self> {
        let bits: u8 = input.arbitrary()?;
        Ok(Self {
            narrow: bits & 1 == 1,
            validity: bits & 2 == 2,
            bit_offset: usize::from(bits >> 2 & 7),
            split: bits & 32 == 32,
            slices: bits & 64 == 64,
            fixed_rows: bits & 128 == 0,
        })
    }
}

/// The arrays of some windows of a case.
#[derive(Debug)]
pub struct Columns {
    chunks: Vec<Chunk>,
    row_offsets: Numbers,
    /// All rows have this many logits.
    fixed_width: Option<usize>,
    count: usize,
    positions: Vec<i64>,
    flags: Vec<u8>,
    restricted: Vec<u8>,
    contexts: Option<Text>,
    ids: Option<Text>,
    layout: Layout,
}

impl Columns {
    pub fn new(case: &Case, windows: &[&WindowCase], layout: Layout) -> Self {
        let middle = if layout.split {
            windows.len() / 2
        } else {
            windows.len()
        };
        let (head, tail) = windows.split_at(middle);
        let chunks = if layout.split {
            // An empty chunk is legal, too.
            vec![chunk(head, layout), chunk(&[], layout), chunk(tail, layout)]
        } else {
            vec![chunk(head, layout)]
        };
        let width = case.flag_width.unwrap_or_default();
        let flag = |window: &&WindowCase, token: usize| {
            window
                .flags
                .as_ref()
                .is_some_and(|flags| flags.get(token).is_some_and(|&flag| flag))
        };
        let flags = windows
            .iter()
            .flat_map(|window| (0..width).map(move |token| u8::from(flag(window, token))));
        let widths: Vec<i64> = windows
            .iter()
            .map(|window| window.start.len() as i64)
            .collect();
        let same = widths.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            chunks,
            row_offsets: Numbers::new(running(widths.iter().copied()), layout.narrow),
            fixed_width: (same && layout.fixed_rows)
                .then(|| widths.first().copied().unwrap_or_default() as usize),
            count: windows.len(),
            positions: windows
                .iter()
                .map(|window| window.null_token(case.null_at).map_or(-1, |at| at as i64))
                .collect(),
            flags: flags.collect(),
            restricted: windows
                .iter()
                .map(|window| u8::from(window.flags.is_some()))
                .collect(),
            contexts: case
                .contexts
                .as_ref()
                .map(|texts| Text::new(texts, layout.narrow)),
            ids: case
                .ids
                .as_ref()
                .map(|texts| Text::new(texts, layout.narrow)),
            layout,
        }
    }

    /// Where the rows lie in the flat logits.
    pub fn rows(&self) -> Extents<'_> {
        match self.fixed_width {
            Some(width) => Extents::Fixed {
                count: self.count,
                width,
            },
            None => Extents::Offsets(self.row_offsets.view()),
        }
    }

    pub fn search<'a>(&'a self, case: &'a Case, windows: Windows) -> Search<'a> {
        self.search_with(case, &case.params, windows)
    }

    pub fn search_with<'a>(
        &'a self,
        case: &'a Case,
        params: &SpanParams,
        windows: Windows,
    ) -> Search<'a> {
        let mut first = 0;
        let mut numbered = Vec::new();
        for chunk in &self.chunks {
            let (extents, values) = &chunk.input_ids;
            numbered.push((first, Extents::Offsets(extents.view()), values.view()));
            first += chunk.count;
        }
        let strings = |column: &'a Option<Text>, plain: &'a Option<Vec<String>>| {
            if self.layout.slices {
                let plain = plain.as_ref()?;
                Some(Strings::Slices(plain.iter().map(String::as_str).collect()))
            } else {
                column.as_ref().map(Text::view)
            }
        };
        Search {
            params: params.clone(),
            windows,
            offsets: Offsets::new(self.chunks.iter().map(Chunk::view).collect()),
            null_position: match case.null_at {
                NullAt::First => NullPosition::First,
                NullAt::Token(id) => NullPosition::Token(id, numbered),
                NullAt::Given(_) => NullPosition::Given(Integers::I64(&self.positions)),
            },
            max_context: case.flag_width.map(|width| MaxContext {
                width,
                flags: &self.flags,
                restricted: &self.restricted,
            }),
            contexts: strings(&self.contexts, &case.contexts),
            ids: strings(&self.ids, &case.ids),
        }
    }
}

impl Chunk {
    fn view(&self) -> OffsetsChunk<'_> {
        OffsetsChunk {
            rows: Extents::Offsets(self.rows.view()),
            tokens: Extents::Offsets(self.tokens.view()),
            validity: self.validity.as_ref().map(|(bytes, offset)| Bitmap {
                bytes,
                offset: *offset,
            }),
            values: self.values.view(),
        }
    }
}

fn chunk(windows: &[&WindowCase], layout: Layout) -> Chunk {
    let mut values = Vec::new();
    let mut tokens = vec![0];
    let mut valid = Vec::new();
    for token in windows.iter().flat_map(|window| &window.tokens) {
        match *token {
            // Arrow may keep anything where the bitmap says that nothing is.
            Token::Missing if layout.validity => values.extend([3, 5]),
            Token::Missing | Token::Empty => {}
            Token::Short(number) => values.push(number),
            Token::Negative(start, end) | Token::Context(start, end) => values.extend([start, end]),
        }
        valid.push(*token != Token::Missing);
        tokens.push(values.len() as i64);
    }
    let validity = layout.validity.then(|| {
        let mut bytes = vec![0_u8; (layout.bit_offset + valid.len()).div_ceil(8)];
        for (at, &is_valid) in valid.iter().enumerate() {
            let bit = layout.bit_offset + at;
            bytes[bit / 8] |= u8::from(is_valid) << (bit % 8);
        }
        (bytes, layout.bit_offset)
    });
    let lengths = |length: fn(&WindowCase) -> usize| {
        running(windows.iter().map(|window| length(window) as i64))
    };
    let ids = windows
        .iter()
        .flat_map(|window| window.input_ids.iter().copied())
        .collect();
    Chunk {
        rows: Numbers::new(lengths(|window| window.tokens.len()), layout.narrow),
        tokens: Numbers::new(tokens, layout.narrow),
        validity,
        values: Numbers::new(values, layout.narrow),
        count: windows.len(),
        input_ids: (
            Numbers::new(lengths(|window| window.input_ids.len()), layout.narrow),
            Numbers::new(ids, layout.narrow),
        ),
    }
}

fn running(lengths: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut offsets = vec![0];
    offsets.extend(lengths.scan(0, |total, length| {
        *total += length;
        Some(*total)
    }));
    offsets
}
