//! Logit values of every precision, with many ties and every special value.
use arbitrary::{Result, Unstructured};
use half::{bf16, f16};

/// How the logits reach the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Double,
    Single,
    /// float16, handed over as bits and widened by the engine.
    Half,
    /// bfloat16, which the Python layer turns into float32.
    Brain,
}

impl Precision {
    pub fn any(input: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match input.int_in_range(0..=4)? {
            0 | 1 => Self::Single,
            2 => Self::Double,
            3 => Self::Half,
            _ => Self::Brain,
        })
    }

    /// The nearest value that the logits can have.
    pub fn quantize(self, value: f64) -> f64 {
        match self {
            Self::Double => value,
            Self::Single => f64::from(value as f32),
            Self::Half => f16::from_f64(value).to_f64(),
            Self::Brain => bf16::from_f64(value).to_f64(),
        }
    }

    /// A result in the precision of scores. Sums and differences of float32 values that are rounded
    /// to float64 first come out the same: 53 bits are more than twice 24 and two.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Self::Double => value,
            _ => f64::from(value as f32),
        }
    }
}

/// A row of logits. Short rows are read value by value, so that a mutation changes one value; long
/// ones, which reach the engine's branches for long rows, grow from a few bytes.
pub fn row(input: &mut Unstructured<'_>, length: usize, precision: Precision) -> Result<Vec<f64>> {
    let mut values = Vec::with_capacity(length);
    if length <= 48 {
        for _ in 0..length {
            values.push(precision.quantize(value(input)?));
        }
        return Ok(values);
    }
    let mut random = SplitMix(input.arbitrary()?);
    let distinct = [2, 7, 40, 1_000, 1_000_000][input.choose_index(5)?];
    let (special, rising) = (value(input)?, input.ratio(1, 4)?);
    for at in 0..length {
        let drawn = (random.next() % distinct) as f64 / 8.0 - 3.0;
        let trend = if rising { at as f64 / 16.0 } else { 0.0 };
        values.push(precision.quantize(drawn + trend));
    }
    for _ in 0..input.int_in_range(0..=3)? {
        let at = input.choose_index(length)?;
        values[at] = precision.quantize(special);
    }
    Ok(values)
}

fn value(input: &mut Unstructured<'_>) -> Result<f64> {
    let byte: u8 = input.arbitrary()?;
    Ok(match byte {
        // Few values, hence many ties.
        0..=175 => f64::from(byte % 16) - 8.0,
        // Neighbours whose sums round to the same.
        176..=207 => 1.0 + f64::from(byte % 8) * f64::from(f32::EPSILON),
        208..=219 => 16_777_216.0 + f64::from(byte % 4),
        220 => -100.0,
        221 => -1e30,
        222 => 65_504.0,
        223 => -65_504.0,
        224 => -0.0,
        225 => 1e-40,
        226 => -1e-40,
        227 => f64::from(f32::MAX),
        228 => f64::from(f32::MIN),
        229 => 1e300,
        230..=233 => f64::INFINITY,
        234..=239 => f64::NEG_INFINITY,
        240 => f64::NAN,
        241 => -f64::NAN,
        242..=248 => f64::from(f32::from_bits(input.arbitrary()?)),
        _ => f64::from_bits(input.arbitrary()?),
    })
}

/// A generator that is enough for filling rows.
pub struct SplitMix(pub u64);

impl SplitMix {
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
