//! JSON text of strings, floats and whole files, read back by serde_json; slices of text.
use arbitrary::{Result, Unstructured};
use fastqa_core::json::{push_float, push_string};
use fastqa_core::text::{count_code_points, slice_code_points};

/// Panics where what was written does not read back as it was, or not as Python writes it.
pub fn check(data: &[u8]) {
    let _ = try_check(&mut Unstructured::new(data));
}

fn try_check(input: &mut Unstructured<'_>) -> Result<()> {
    let bits: u64 = input.arbitrary()?;
    float(f64::from_bits(bits));
    // What the files hold are mostly float32 values, widened.
    float(f64::from(f32::from_bits(bits as u32)));
    float((bits % 100_000) as f64 / 10_f64.powi((bits >> 32) as i32 % 24 - 4));
    let (begin, length) = (input.arbitrary::<u8>()?, input.arbitrary::<u8>()?);
    let rest = input.bytes(input.len())?;
    string(&String::from_utf8_lossy(rest));
    slices(
        &String::from_utf8_lossy(rest),
        usize::from(begin),
        usize::from(length),
    );
    Ok(())
}

fn string(text: &str) {
    let mut out = Vec::new();
    push_string(&mut out, text);
    assert!(
        out.iter().all(|byte| (0x20..0x7f).contains(byte)),
        "{out:?}"
    );
    let read: String = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(read, text);
    // `ensure_ascii` escapes nothing that it need not, and each thing in one way.
    let mut wanted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => wanted.push_str("\\\""),
            '\\' => wanted.push_str("\\\\"),
            '\n' => wanted.push_str("\\n"),
            '\r' => wanted.push_str("\\r"),
            '\t' => wanted.push_str("\\t"),
            '\u{8}' => wanted.push_str("\\b"),
            '\u{c}' => wanted.push_str("\\f"),
            ' '..='~' => wanted.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    wanted.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    wanted.push('"');
    assert_eq!(out, wanted.as_bytes());
}

/// `float.__repr__` from Rust's own shortest digits.
fn python_repr(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "Infinity".into()
        } else {
            "-Infinity".into()
        };
    }
    let text = half_to_even(value, format!("{value:e}"));
    let (mantissa, exponent) = text.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    if value == 0.0 || (-4..16).contains(&exponent) {
        let digits = mantissa.replace(['.', '-'], "");
        let minus = if mantissa.starts_with('-') { "-" } else { "" };
        let Ok(whole) = usize::try_from(exponent) else {
            let zeros = "0".repeat((-exponent - 1) as usize);
            return format!("{minus}0.{zeros}{digits}");
        };
        let digits = format!("{digits:0<width$}", width = whole + 2);
        return format!("{minus}{}.{}", &digits[..=whole], &digits[whole + 1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Where two shortest texts are equally near, Rust takes the larger and Python the even one, if that
/// still reads as the same float: below a power of two floats lie twice as close (2**-24).
fn half_to_even(value: f64, text: String) -> String {
    let (mantissa, exponent) = text.split_once('e').expect("an exponent");
    let digits = mantissa.replace(['.', '-'], "").len();
    let cut = |exact: String| {
        let (exact, _) = exact.split_once('e').expect("an exponent");
        let (shown, rest) = exact.split_at(mantissa.len());
        (rest.trim_end_matches('0') == "5").then(|| shown.to_owned())
    };
    // 20 digits tell nearly always; 800 are all digits of any float64.
    let halfway = cut(format!("{value:.19e}")).and_then(|_| cut(format!("{value:.800e}")));
    match halfway {
        Some(shown) if digits > 1 && shown.ends_with(['0', '2', '4', '6', '8']) => {
            let even = format!("{shown}e{exponent}");
            if even.parse() == Ok(value) {
                even
            } else {
                text
            }
        }
        _ => text,
    }
}

fn float(value: f64) {
    let mut out = Vec::new();
    push_float(&mut out, value);
    let text = String::from_utf8(out).expect("ASCII");
    assert_eq!(text, python_repr(value), "{:#x}", value.to_bits());
    if value.is_finite() {
        let read: f64 = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read.to_bits(), value.to_bits());
    }
}

fn slices(text: &str, begin: usize, length: usize) {
    let points: Vec<char> = text.chars().collect();
    assert_eq!(count_code_points(text), points.len());
    let wanted = points
        .get(begin..begin + length)
        .map(|part| part.iter().collect::<String>());
    assert_eq!(
        slice_code_points(text, begin, begin + length).map(str::to_owned),
        wanted
    );
}
