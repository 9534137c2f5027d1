//! Python's view of characters: `str.lower`, `str.split`, `\w` of `re`, Unicode punctuation.
//!
//! The official scripts are Python, and Python's Unicode is not Rust's: over all code points
//! `str.isspace` differs from `char::is_whitespace` at 4, `str.lower` at dozens, `\w` from
//! `is_alphanumeric` at thousands, and every release of Python moves them. So the facts are data:
//! a [`Block`] for 256 code points, which the binding asks of the *running* interpreter the first
//! time that a text reaches into it (`fastqa/_unicode.py`), and which is kept for the process.
//! ASCII never changes, needs no block, and is most of what is scored.
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Code points per [`Block`].
pub const BLOCK: u32 = 256;
const BLOCKS: usize = 0x11_0000 / BLOCK as usize;
/// Greek capital sigma, the one character whose lower case depends on its neighbours.
const SIGMA: char = '\u{3a3}';

/// One bit for each code point of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bits([u64; 4]);

impl Bits {
    /// The bits of the positions where `holds`.
    pub fn from_fn(holds: impl Fn(u8) -> bool) -> Self {
        let mut bits = [0_u64; 4];
        for low in 0..=u8::MAX {
            if let Some(word) = bits.get_mut(usize::from(low >> 6)) {
                *word |= u64::from(holds(low)) << (low & 63);
            }
        }
        Self(bits)
    }

    #[inline]
    fn has(&self, low: u8) -> bool {
        self.0
            .get(usize::from(low >> 6))
            .is_some_and(|word| word >> (low & 63) & 1 == 1)
    }
}

/// What the running Python says of 256 code points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// `c.isalnum() or c == "_"`, which is `\w` of `re`.
    pub word: Bits,
    /// Where `str.split()` splits.
    pub space: Bits,
    /// Unicode general category P*, which MLQA's script removes.
    pub punctuation: Bits,
    /// Cased and not case-ignorable: counts for the final sigma.
    pub cased: Bits,
    /// Case-ignorable: looked through when the final sigma is decided.
    pub ignorable: Bits,
    /// `c.lower()` where it is not `c`, by position, ascending.
    pub lower: Vec<(u8, Box<str>)>,
}

impl Block {
    /// The block as Rust's own Unicode has it: for Rust users without an interpreter.
    /// Punctuation is ASCII only there, since the standard library has no categories.
    pub fn from_rust(index: u32) -> Self {
        let at = |low: u8| char::from_u32(index * BLOCK + u32::from(low));
        let lowers_to_final =
            |before: &str, c: char| format!("{before}{c}{SIGMA}").to_lowercase().ends_with('ς');
        let cased = |low| at(low).is_some_and(|c| lowers_to_final("", c));
        Self {
            word: Bits::from_fn(|low| at(low).is_some_and(|c| c.is_alphanumeric() || c == '_')),
            space: Bits::from_fn(|low| {
                at(low).is_some_and(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
            }),
            punctuation: Bits::from_fn(|low| at(low).is_some_and(|c| c.is_ascii_punctuation())),
            cased: Bits::from_fn(cased),
            ignorable: Bits::from_fn(|low| {
                !cased(low) && at(low).is_some_and(|c| lowers_to_final("α", c))
            }),
            lower: (0..=u8::MAX)
                .filter_map(|low| {
                    let c = at(low)?;
                    let lowered: String = c.to_lowercase().collect();
                    (lowered != c.to_string()).then(|| (low, lowered.into_boxed_str()))
                })
                .collect(),
        }
    }
}

/// The blocks known so far. Cheap to clone: the blocks are shared.
#[derive(Debug, Clone)]
pub struct Tables {
    blocks: Vec<Option<Arc<Block>>>,
}

static KNOWN: ArcSwapOption<Tables> = ArcSwapOption::const_empty();

impl Default for Tables {
    fn default() -> Self {
        Self {
            blocks: vec![None; BLOCKS],
        }
    }
}

impl Tables {
    /// The tables of this process. The cell is lock-free, so a fork leaves no locked lock behind.
    pub fn current() -> Arc<Self> {
        KNOWN.load_full().unwrap_or_default()
    }

    /// Add blocks to the tables of this process; a block already there stays.
    pub fn install(fresh: &[(u32, Arc<Block>)]) {
        KNOWN.rcu(|known| {
            let mut tables = known.as_deref().cloned().unwrap_or_default();
            for (index, block) in fresh {
                tables.insert(*index, Arc::clone(block));
            }
            Some(Arc::new(tables))
        });
    }

    fn insert(&mut self, index: u32, block: Arc<Block>) {
        if let Some(slot) = self.blocks.get_mut(index as usize) {
            slot.get_or_insert(block);
        }
    }

    /// Append to `wanted` the blocks that `text` needs and that are not here yet.
    pub fn missing(&self, text: &str, wanted: &mut Vec<u32>) {
        if text.is_ascii() {
            return;
        }
        let mut last = u32::MAX;
        for c in text.chars() {
            let index = u32::from(c) / BLOCK;
            if index != last && self.block(c).is_none() && !wanted.contains(&index) {
                wanted.push(index);
            }
            last = index;
        }
    }

    /// Tables that hold what `texts` need, from Rust's own Unicode.
    pub fn from_rust<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tables = Self::default();
        let mut wanted = vec![0];
        for text in texts {
            tables.missing(text, &mut wanted);
            tables.missing(&text.to_lowercase(), &mut wanted);
        }
        for index in wanted {
            tables.insert(index, Arc::new(Block::from_rust(index)));
        }
        tables
    }

    #[inline]
    fn block(&self, c: char) -> Option<&Block> {
        self.blocks.get((u32::from(c) / BLOCK) as usize)?.as_deref()
    }

    #[inline]
    fn is(&self, c: char, property: impl Fn(&Block) -> Bits) -> bool {
        self.block(c)
            .is_some_and(|block| property(block).has(low_byte(c)))
    }

    /// `\w` of `re`: `c.isalnum() or c == "_"`.
    #[inline]
    pub fn is_word(&self, c: char) -> bool {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '_'
        } else {
            self.is(c, |block| block.word)
        }
    }

    /// Where `str.split()` splits: 29 code points, U+001C to U+001F among them.
    #[inline]
    pub fn is_space(&self, c: char) -> bool {
        if c.is_ascii() {
            is_ascii_space(c as u8)
        } else {
            self.is(c, |block| block.space)
        }
    }

    /// Unicode general category P*, or one of `string.punctuation` (which has symbols too).
    #[inline]
    pub fn is_punctuation(&self, c: char) -> bool {
        if c.is_ascii() {
            c.is_ascii_punctuation()
        } else {
            self.is(c, |block| block.punctuation)
        }
    }

    /// Append `text.lower()` to `into`.
    pub fn lower(&self, text: &str, into: &mut String) {
        for (position, c) in text.char_indices() {
            if c.is_ascii() {
                into.push(c.to_ascii_lowercase());
            } else if c == SIGMA {
                into.push(if self.is_final_sigma(text, position) {
                    'ς'
                } else {
                    'σ'
                });
            } else if let Some(lowered) = self.lowered(c) {
                into.push_str(lowered);
            } else {
                into.push(c);
            }
        }
    }

    fn lowered(&self, c: char) -> Option<&str> {
        let changed = &self.block(c)?.lower;
        let found = changed
            .binary_search_by_key(&low_byte(c), |(low, _)| *low)
            .ok()?;
        changed.get(found).map(|(_, lowered)| &**lowered)
    }

    /// A sigma is final when a cased character stands before it and none after it, looking through
    /// case-ignorable ones (Unicode 3.13, as CPython applies it).
    fn is_final_sigma(&self, text: &str, position: usize) -> bool {
        let ignorable = |c: &char| self.is(*c, |block| block.ignorable);
        let cased = |c: char| self.is(c, |block| block.cased);
        let (before, rest) = text.split_at_checked(position).unwrap_or(("", ""));
        before
            .chars()
            .rev()
            .find(|c| !ignorable(c))
            .is_some_and(cased)
            && !rest
                .chars()
                .skip(1)
                .find(|c| !ignorable(c))
                .is_some_and(cased)
    }
}

/// The eight ASCII characters on which `str.split()` splits.
#[inline]
pub const fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=0x1f | b' ')
}

#[inline]
fn low_byte(c: char) -> u8 {
    (u32::from(c) & 0xff) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lower(text: &str) -> String {
        let mut lowered = String::new();
        Tables::from_rust([text]).lower(text, &mut lowered);
        lowered
    }

    #[test]
    fn a_sigma_is_final_only_after_a_letter_and_before_none() {
        assert_eq!(lower("ΟΔΟΣ"), "οδος");
        assert_eq!(lower("ΣΑΣ."), "σας.");
        assert_eq!(lower("Σ"), "σ");
        assert_eq!(lower("ΑΣ\u{ad}Α"), "ασ\u{ad}α");
        assert_eq!(lower("İΣ"), "i\u{307}ς");
    }

    #[test]
    fn split_characters_beyond_rusts_whitespace_are_known() {
        let tables = Tables::from_rust(["\u{a0}\u{3000}\u{200b}"]);
        for space in ['\u{1c}', '\u{1f}', '\u{a0}', '\u{3000}', '\t'] {
            assert!(tables.is_space(space), "{space:?}");
        }
        assert!(!tables.is_space('\u{200b}'));
    }

    #[test]
    fn an_unknown_block_has_no_properties() {
        let tables = Tables::default();
        assert!(!tables.is_word('é') && !tables.is_space('\u{3000}'));
        let mut wanted = Vec::new();
        tables.missing("é中é", &mut wanted);
        assert_eq!(wanted, [0, 0x4e]);
    }

    proptest! {
        #[test]
        fn lower_is_rusts_when_the_tables_are(text in "\\PC*") {
            prop_assert_eq!(lower(&text), text.to_lowercase());
        }
    }
}
