//! Exact numbers from the source text of a JSON number, whatever its length or exponent.

/// Why a text has no value in a column's type. The names are the specification's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    WrongType,
    BadText,
    NoOffset,
    NotExact,
    OutOfRange,
}

/// A number as its digits without leading or trailing zeros (empty for 0) times ten to `power`.
pub struct Number {
    pub negative: bool,
    pub power: i64,
    digits: [u8; HELD],
    length: usize,
}

/// Numbers of more digits are left to the reference.
const HELD: usize = 128;

impl Number {
    /// The number that a JSON number's text spells; None when it is too long to be held.
    pub fn read(text: &[u8]) -> Option<Self> {
        let negative = text.first() == Some(&b'-');
        let text = if negative { &text[1..] } else { text };
        let mark = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = (&text[..mark], text.get(mark + 1..).unwrap_or_default());
        if mantissa.len() > HELD {
            return None;
        }
        let mut found = Self { negative, power: 0, digits: [0; HELD], length: 0 };
        let mut fraction = 0;
        let mut behind = false;
        for &byte in mantissa {
            if byte == b'.' {
                behind = true;
                continue;
            }
            fraction += i64::from(behind);
            if byte != b'0' || found.length > 0 {
                found.digits[found.length] = byte - b'0';
                found.length += 1;
            }
        }
        while found.length > 0 && found.digits[found.length - 1] == 0 {
            found.length -= 1;
            found.power += 1;
        }
        if found.length == 0 {
            found.power = 0;
            found.negative = false;
            return Some(found);
        }
        found.power += exponent_of(exponent) - fraction;
        Some(found)
    }

    /// The digits from the first that is not zero to the last.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }

    /// The value times 10^scale, a whole number of at most `precision` digits (38 or fewer).
    pub fn to_scale(&self, scale: i64, precision: i64, rounding: bool) -> Result<i128, Reason> {
        let digits = self.digits();
        if digits.is_empty() {
            return Ok(0);
        }
        let shift = self.power + scale;
        if shift < 0 && !rounding {
            return Err(Reason::NotExact);
        }
        let count = digits.len() as i64 + shift;
        if count > precision {
            return Err(Reason::OutOfRange);
        }
        if count < 0 {
            return Ok(0);
        }
        let kept = count.min(digits.len() as i64) as usize;
        let mut value = digits[..kept].iter().fold(0_i128, |sum, &digit| sum * 10 + i128::from(digit));
        if shift >= 0 {
            value *= 10_i128.pow(shift as u32);
        } else {
            let rest = &digits[kept..];
            let up = match rest[0] {
                5 => rest.len() > 1 || value % 2 == 1,
                first => first > 5,
            };
            value += i128::from(up);
            if value >= 10_i128.pow(precision as u32) {
                return Err(Reason::OutOfRange);
            }
        }
        Ok(if self.negative { -value } else { value })
    }
}

/// An exponent; beyond 10^12 all are alike, for no number has so many digits.
fn exponent_of(text: &[u8]) -> i64 {
    let negative = text.first() == Some(&b'-');
    let size = text
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0_i64, |sum, &byte| (sum * 10 + i64::from(byte - b'0')).min(1_000_000_000_000));
    if negative { -size } else { size }
}

/// The powers of ten that a decimal's digits need.
pub const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut index = 1;
    while index < 39 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// The whole number that up to 18 digits spell, behind an optional minus; None for any other text.
#[inline]
pub fn short_integer(text: &[u8]) -> Option<i64> {
    let negative = text.first() == Some(&b'-');
    let digits = if negative { &text[1..] } else { text };
    if digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A plain decimal of up to 18 digits, times 10^scale; None when it has an exponent or digits below the scale.
#[inline]
pub fn short_decimal(text: &[u8], scale: i64, precision: i64) -> Option<i128> {
    let negative = text.first() == Some(&b'-');
    let digits = if negative { &text[1..] } else { text };
    if digits.len() > 18 {
        return None;
    }
    let (mut value, mut fraction, mut behind) = (0_i64, 0, false);
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if byte != b'.' {
                return None;
            }
            behind = true;
            continue;
        }
        fraction += i64::from(behind);
        value = value * 10 + i64::from(digit);
    }
    if fraction > scale || scale - fraction > 18 {
        return None;
    }
    let scaled = i128::from(value) * POWERS[(scale - fraction) as usize];
    if scaled >= POWERS[precision as usize] {
        return None;
    }
    Some(if negative { -scaled } else { scaled })
}

impl Reason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongType => "wrong_type",
            Self::BadText => "bad_text",
            Self::NoOffset => "no_offset",
            Self::NotExact => "not_exact",
            Self::OutOfRange => "out_of_range",
        }
    }
}
