//! The short ways: values as nearly all are written, read and stored in one go. Each takes a value only when it is certain,
//! and otherwise leaves no trace; the careful way then reads it from its first byte.

use crate::bytes::{at, digits_in, eight};
use crate::number::POWERS;
use crate::record::Reader;

const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// A number of few digits without exponent.
struct Plain {
    negative: bool,
    /// The digits on either side of the point, and how many stand behind it.
    whole: u64,
    fraction: u64,
    places: usize,
    end: usize,
}

#[inline(always)]
fn plain(data: &[u8], start: usize) -> Option<Plain> {
    let negative = at(data, start) == b'-';
    let first = start + usize::from(negative);
    let (count, mut whole) = digits_in(eight(data, first)?);
    let mut p = first + count;
    if count == 8 {
        // At most 16 digits in all: what follows must fit into a u64.
        let (more, rest) = digits_in(eight(data, p)?);
        if more == 8 {
            return None;
        }
        whole = whole * TENS[more] + rest;
        p += more;
    }
    if p == first || (at(data, first) == b'0' && p > first + 1) {
        return None;
    }
    let (mut fraction, mut places) = (0, 0);
    if at(data, p) == b'.' {
        (places, fraction) = digits_in(eight(data, p + 1)?);
        if places == 0 || places == 8 {
            return None;
        }
        p += 1 + places;
    }
    if matches!(at(data, p), b'e' | b'E') {
        return None;
    }
    Some(Plain { negative, whole, fraction, places, end: p })
}

impl Reader<'_> {
    #[inline(always)]
    pub fn quick_text(&mut self, data: &[u8], start: usize, column: usize) -> Option<usize> {
        if at(data, start) != b'"' {
            return None;
        }
        let end = self.rows.columns[column].quoted(self.rows.row, data, start + 1)?;
        self.rows.fill(column);
        Some(end + 1)
    }

    /// A text that nobody wants; what is certain about it is that it is one.
    #[inline(always)]
    pub fn quick_look(&mut self, data: &[u8], start: usize, column: usize) -> Option<usize> {
        if at(data, start) != b'"' {
            return None;
        }
        let end = crate::bytes::special(data, start + 1);
        if at(data, end) != b'"' {
            return None;
        }
        self.rows.fill(column);
        Some(end + 1)
    }

    #[inline(always)]
    pub fn quick_integer(&mut self, data: &[u8], start: usize, column: usize, bits: u8) -> Option<usize> {
        let found = plain(data, start)?;
        if found.places > 0 || found.end - start > self.scanner.digits {
            return None;
        }
        let value = if found.negative { -(found.whole as i64) } else { found.whole as i64 };
        let unused = 64 - u32::from(bits);
        if value << unused >> unused != value {
            return None;
        }
        self.rows.columns[column].number(self.rows.row, value);
        self.rows.fill(column);
        Some(found.end)
    }

    /// Digits that fit into 53 bits, divided by a power of ten that a double holds exactly: the quotient is the nearest.
    #[inline(always)]
    pub fn quick_double(&mut self, data: &[u8], start: usize, column: usize) -> Option<usize> {
        let found = plain(data, start)?;
        if found.whole >= 1 << 29 || found.end - start > self.scanner.digits {
            return None;
        }
        let digits = found.whole * TENS[found.places] + found.fraction;
        if digits >= 1 << 53 {
            return None;
        }
        let size = digits as f64 / TENS[found.places] as f64;
        let value = if found.negative { -size } else { size };
        self.rows.columns[column].number(self.rows.row, value.to_bits() as i64);
        self.rows.fill(column);
        Some(found.end)
    }

    #[inline(always)]
    pub fn quick_decimal(&mut self, data: &[u8], start: usize, column: usize) -> Option<usize> {
        let found = plain(data, start)?;
        let spec = &self.plan.feed.columns[column];
        let scale = spec.scale as usize;
        if found.places > scale || found.end - start > self.scanner.digits {
            return None;
        }
        let whole = i128::from(found.whole).checked_mul(POWERS[scale])?;
        let size = whole.checked_add(i128::from(found.fraction) * POWERS[scale - found.places])?;
        if size >= POWERS[spec.precision as usize] {
            return None;
        }
        self.rows.columns[column].decimal(self.rows.row, if found.negative { -size } else { size });
        self.rows.fill(column);
        Some(found.end)
    }

    #[inline(always)]
    pub fn quick_time(&mut self, data: &[u8], start: usize, column: usize) -> Option<usize> {
        let (micros, end) = self.today.moment(data, start)?;
        self.rows.columns[column].number(self.rows.row, micros);
        self.rows.fill(column);
        Some(end)
    }
}
