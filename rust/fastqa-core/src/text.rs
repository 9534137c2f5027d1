//! Code points to bytes. Offsets count code points, as Python strings do; Rust text is UTF-8.
//!
//! ASCII up to the end of the answer, which most contexts are, is cut where the numbers say. Else
//! the bytes that begin a code point are counted up to the answer, 64 at a time in SIMD: O(end). A
//! slice never cuts a character in two.

/// The context of one example, to cut many texts from: it is checked once.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// `None`: not UTF-8.
    text: Option<&'a str>,
    ascii: bool,
}

impl<'a> Context<'a> {
    /// From the bytes of a string column, which need not be UTF-8.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            text: std::str::from_utf8(bytes).ok(),
            ascii: bytes.is_ascii(),
        }
    }

    /// `context[start:end]` for `start <= end`; `None` if `end` is past the end or this is not UTF-8.
    pub fn slice(&self, start: usize, end: usize) -> Option<&'a str> {
        if self.ascii {
            self.text?.get(start..end)
        } else {
            slice_code_points(self.text?, start, end)
        }
    }

    /// Number of code points, where this is UTF-8.
    pub fn code_points(&self) -> Option<usize> {
        self.text.map(count_code_points)
    }
}

/// One text of a context, of which no more is read than needs to be: `bytes[start:end]` in code
/// points. With `ascii`, what stands before `end` is known to be ASCII and is not looked at.
pub fn slice_once(bytes: &[u8], start: usize, end: usize, ascii: bool) -> Option<&str> {
    let before = bytes.get(..end)?;
    if ascii || before.is_ascii() {
        return std::str::from_utf8(before.get(start..)?).ok();
    }
    slice_code_points(std::str::from_utf8(bytes).ok()?, start, end)
}

/// Number of code points.
pub fn count_code_points(text: &str) -> usize {
    count_begun(text.as_bytes())
}

/// There are at least `least` code points in these bytes of UTF-8. Reads no more than it must.
pub fn has_code_points(bytes: &[u8], least: usize) -> bool {
    let mut left = least;
    for block in bytes.chunks(128) {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(count_begun(block));
    }
    left == 0
}

/// Bytes that begin a code point: all that do not continue one. The sum wraps, in blocks that keep
/// it in one byte, because only so does the loop become SIMD.
fn count_begun(bytes: &[u8]) -> usize {
    let in_block = |block: &[u8]| {
        block.iter().fold(0_u8, |count, &byte| {
            count.wrapping_add(u8::from(byte.cast_signed() >= -0x40))
        })
    };
    bytes
        .chunks(128)
        .map(|block| usize::from(in_block(block)))
        .sum()
}

/// `text[start:end]` as Python slices it, for `start <= end`; `None` if `end` is past the end.
pub fn slice_code_points(text: &str, start: usize, end: usize) -> Option<&str> {
    match text.as_bytes().get(..end) {
        Some(prefix) if prefix.is_ascii() => text.get(start..end),
        _ => {
            let begin = byte_position(text, start)?;
            let rest = text.get(begin..)?;
            rest.get(..byte_position(rest, end.checked_sub(start)?)?)
        }
    }
}

fn byte_position(text: &str, code_points: usize) -> Option<usize> {
    const BLOCK: usize = 64;
    let bytes = text.as_bytes();
    let mut left = code_points;
    let mut position = 0;
    // Whole blocks first: counting 64 bytes is a few SIMD instructions.
    while let Some(block) = bytes.get(position..position + BLOCK) {
        let begun = count_begun(block);
        if begun > left {
            break;
        }
        left -= begun;
        position += BLOCK;
    }
    for &byte in bytes.get(position..)? {
        if byte.cast_signed() >= -0x40 {
            if left == 0 {
                return Some(position);
            }
            left -= 1;
        }
        position += 1;
    }
    (left == 0).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slice_is_what_python_would_cut(text in "[a-zé漢😀\u{301}]{0,300}", start in 0_usize..310, length in 0_usize..310) {
            let points: Vec<char> = text.chars().collect();
            prop_assert_eq!(count_code_points(&text), points.len());
            for least in [0, 1, points.len(), points.len() + 1] {
                prop_assert_eq!(has_code_points(text.as_bytes(), least), least <= points.len());
            }
            let end = start + length;
            let expected = (end <= points.len()).then(|| points[start..end].iter().collect::<String>());
            prop_assert_eq!(slice_code_points(&text, start, end).map(str::to_owned), expected.clone());
            let context = Context::new(text.as_bytes());
            prop_assert_eq!(context.code_points(), Some(points.len()));
            prop_assert_eq!(context.slice(start, end).map(str::to_owned), expected.clone());
            let once = |ascii| slice_once(text.as_bytes(), start, end, ascii).map(str::to_owned);
            prop_assert_eq!(once(false), expected.clone());
            if points.iter().take(end).all(char::is_ascii) {
                prop_assert_eq!(once(true), expected);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_cut_only_before_the_damage() {
        let damaged = b"ab\xffcd";
        assert_eq!(slice_once(damaged, 0, 2, false), Some("ab"));
        assert_eq!(slice_once(damaged, 0, 4, false), None);
        assert_eq!(slice_once(damaged, 0, 4, true), None);
        assert_eq!(Context::new(damaged).slice(0, 2), None);
        assert_eq!(Context::new(damaged).code_points(), None);
    }
}
