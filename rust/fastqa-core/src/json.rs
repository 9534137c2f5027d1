//! JSON as Python's `json.dumps` writes it, so that files can be compared byte by byte.
//!
//! Strings: everything beyond ASCII as `\uXXXX`, in surrogate pairs beyond U+FFFF. Numbers: the
//! shortest text that reads back as the same float (zmij), in Python's spelling: `1e-06` where Rust
//! says `1e-6`, `Infinity` and `NaN` as Python has them. O(length), into a buffer of the caller.

/// Append `text` as a JSON string, ASCII only (`ensure_ascii=True`).
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = first_escape(rest.as_bytes()) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            push_escape(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// The first byte that cannot stand as it is. Whole blocks of sixteen become a few SIMD instructions.
fn first_escape(bytes: &[u8]) -> Option<usize> {
    let needs = |byte: u8| (byte.wrapping_sub(0x20) >= 0x5f) | (byte == b'"') | (byte == b'\\');
    let blocks = bytes.as_chunks::<16>().0.iter();
    let plain = blocks
        .take_while(|block| !block.iter().fold(false, |any, &byte| any | needs(byte)))
        .count()
        * 16;
    let rest = bytes.get(plain..)?;
    rest.iter()
        .position(|&byte| needs(byte))
        .map(|at| plain + at)
}

fn push_escape(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = (*unit >> shift & 0xf) as u8;
                    out.push(if digit < 10 {
                        b'0' + digit
                    } else {
                        b'a' + digit - 10
                    });
                }
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Append `value` as `float.__repr__` does: the shortest digits that read back equal, an exponent
/// below 1e-4 and from 1e16 on; `NaN`, `Infinity`, `-Infinity`.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        let name: &[u8] = match value {
            _ if value.is_nan() => b"NaN",
            _ if value > 0.0 => b"Infinity",
            _ => b"-Infinity",
        };
        return out.extend_from_slice(name);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let size = value.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return out.extend_from_slice(text.as_bytes());
    }
    // The crate chooses between digits and exponent at other sizes and writes exponents without padding.
    // No allocation here: most probabilities of an n-best list are this small.
    if let Some((mantissa, exponent)) = text.split_once('e') {
        out.extend_from_slice(mantissa.as_bytes());
        let (sign, digits) = exponent
            .strip_prefix('-')
            .map_or((b'+', exponent.trim_start_matches('+')), |digits| {
                (b'-', digits)
            });
        out.extend_from_slice(&[b'e', sign]);
        if digits.len() < 2 {
            out.push(b'0');
        }
        return out.extend_from_slice(digits.as_bytes());
    }
    // Left are sizes from 1e-5 to 1e-4: "0.0000" and the digits.
    let place = text.find(|digit| matches!(digit, '1'..='9'));
    let (zeros, digits) = text
        .split_at_checked(place.unwrap_or_default())
        .unwrap_or(("", text));
    let (first, others) = digits.split_at_checked(1).unwrap_or((digits, ""));
    if zeros.starts_with('-') {
        out.push(b'-');
    }
    out.extend_from_slice(first.as_bytes());
    if !others.is_empty() {
        out.push(b'.');
        out.extend_from_slice(others.as_bytes());
    }
    out.extend_from_slice(b"e-05");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn float(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_python_escapes_them() {
        assert_eq!(
            string("a\"b\\c\n\t\r\u{8}\u{c}\u{1}\u{7f}"),
            "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u007f\""
        );
        assert_eq!(string("é漢😀x"), "\"\\u00e9\\u6f22\\ud83d\\ude00x\"");
    }

    /// `float.__repr__` from the digits and the exponent of Rust's formatter.
    fn as_python(value: f64) -> String {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        let (sign, mantissa) = mantissa
            .strip_prefix('-')
            .map_or(("", mantissa), |rest| ("-", rest));
        let digits = mantissa.replace('.', "");
        if value != 0.0 && !(-4..16).contains(&exponent) {
            let marked = if exponent < 0 { '-' } else { '+' };
            return format!("{sign}{mantissa}e{marked}{:02}", exponent.abs());
        }
        if exponent < 0 {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            return format!("{sign}0.{zeros}{digits}");
        }
        let whole = exponent as usize + 1;
        let padded = format!("{digits:0<width$}", width = whole + 1);
        let (before, after) = padded.split_at(whole);
        format!("{sign}{before}.{after}")
    }

    proptest! {
        #[test]
        fn every_float_is_written_with_the_digits_of_rusts_formatter(
            value in prop_oneof![
                any::<u64>().prop_map(f64::from_bits),
                any::<u32>().prop_map(|bits| f32::from_bits(bits).into()),
                (-1.0_f64..1.0, -8_i32..20).prop_map(|(value, ten)| value * 10_f64.powi(ten)),
                (-99_i64..100, -8_i32..20).prop_map(|(value, ten)| value as f64 * 10_f64.powi(ten)),
            ]
        ) {
            prop_assume!(value.is_finite());
            let (text, expected) = (float(value), as_python(value));
            if text != expected {
                // Halfway between two texts of this length Python takes the even digit, and Rust the
                // upper one.
                let digits = |text: &str| -> String {
                    let mantissa = text.split('e').next().unwrap_or_default();
                    let digits = mantissa.replace(['.', '-'], "");
                    digits.trim_start_matches('0').to_owned()
                };
                let (mine, exact) = (digits(&text), digits(&format!("{value:.60e}")));
                prop_assert_eq!(mine.len(), digits(&expected).len());
                prop_assert!(mine.ends_with(['0', '2', '4', '6', '8']), "{}", text);
                prop_assert_eq!(exact.get(mine.len()..).map(|rest| rest.trim_end_matches('0')), Some("5"));
                prop_assert_eq!(text.parse(), Ok(value));
            }
        }
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (f64::from(0.1_f32), "0.10000000149011612"),
            (1.0, "1.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (-1.25e-5, "-1.25e-05"),
            (9.999e-5, "9.999e-05"),
            (-1e-5, "-1e-05"),
            (1.5e-100, "1.5e-100"),
            (-2e-9, "-2e-09"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.5e16, "-1.5e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e22, "1e+22"),
            // Halfway between ...62 and ...63; the even one reads as another float (2**-24).
            (2_f64.powi(-24), "5.960464477539063e-08"),
            (5e-324, "5e-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
