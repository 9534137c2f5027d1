//! Code points to bytes. Offsets count code points, as Python strings do; Rust text is UTF-8.
//!
//! ASCII up to the end of the answer, which most contexts are, is cut where the numbers say. Else
//! the bytes that begin a code point are counted up to the answer, 64 at a time in SIMD: O(end). A
//! slice never cuts a character in two.

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
            prop_assert_eq!(slice_code_points(&text, start, end).map(str::to_owned), expected);
        }
    }
}
