//! Words and numbers of JSON: where they end, or where they stop being any.

use crate::bytes::at;
use crate::scan::{Scanned, Stop};

/// Reads `word` at `p`; the position behind it.
#[inline]
pub fn literal(data: &[u8], p: usize, word: &[u8]) -> Scanned {
    if data[p..].starts_with(word) {
        return Ok(p + word.len());
    }
    let same = word.iter().zip(&data[p..]).take_while(|(a, b)| a == b).count();
    Err(Stop::Syntax(p + same))
}

#[inline(always)]
fn digits_end(data: &[u8], mut p: usize) -> usize {
    while p < data.len() && data[p].is_ascii_digit() {
        p += 1;
    }
    p
}

/// Where the JSON number ends that begins at `p`.
#[inline]
pub fn number_end(data: &[u8], mut p: usize) -> Scanned {
    if at(data, p) == b'-' {
        p += 1;
    }
    let whole = p;
    p = if at(data, p) == b'0' { p + 1 } else { digits_end(data, p) };
    if p == whole {
        return Err(Stop::Syntax(p));
    }
    if at(data, p) == b'.' {
        let fraction = p + 1;
        p = digits_end(data, fraction);
        if p == fraction {
            return Err(Stop::Syntax(p));
        }
    }
    if matches!(at(data, p), b'e' | b'E') {
        p += 1;
        if matches!(at(data, p), b'+' | b'-') {
            p += 1;
        }
        let exponent = p;
        p = digits_end(data, exponent);
        if p == exponent {
            return Err(Stop::Syntax(p));
        }
    }
    Ok(p)
}
