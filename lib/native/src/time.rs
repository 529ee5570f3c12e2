//! Dates and times from text, exact to the microsecond, in UTC and the proleptic Gregorian calendar.

use crate::bytes::{at, digits_in, eight};
use crate::number::{Number, Reason};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const MIN_MICROS: i64 = -62_135_596_800 * SECOND;
const MAX_MICROS: i64 = 253_402_300_800 * SECOND - 1;

/// The day that a UTC instant lies in.
pub fn day_of_micros(micros: i64) -> i64 {
    micros.div_euclid(DAY)
}

/// The day that was last read, and how it was written: the next time is mostly of the same.
#[derive(Default)]
pub struct Today {
    written: [u8; 10],
    day: i64,
}

impl Today {
    /// Microseconds of the time in UTC that stands with its quotes at `p`, and the position behind it; None for one that
    /// is not written `YYYY-MM-DDTHH:MM:SS.ffffffZ` (with fewer digits of the second's fraction, or none).
    #[inline(always)]
    pub fn moment(&mut self, data: &[u8], p: usize) -> Option<(i64, usize)> {
        let text: &[u8; 20] = data.get(p + 1..)?.first_chunk()?;
        if at(data, p) != b'"' || text[10] != b'T' {
            return None;
        }
        if text[..10] != self.written {
            self.day = day_of(&text[..10]).ok()?;
            self.written.copy_from_slice(&text[..10]);
        }
        let clock = eight(text, 11)?;
        // Digits in place of the colons make it eight digits, two of them 0.
        if clock & 0x0000_ff00_00ff_0000 != 0x0000_3a00_003a_0000 {
            return None;
        }
        let (count, digits) = digits_in(clock ^ 0x0000_0a00_000a_0000);
        let (hour, minute, second) = (digits / 1_000_000, digits / 1000 % 100, digits % 100);
        if count < 8 || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut behind = p + 20;
        let mut micros = 0;
        if text[19] == b'.' {
            let (places, fraction) = digits_in(eight(data, p + 21)?);
            if places == 0 || places > 6 {
                return None;
            }
            micros = fraction as i64 * MICROS[places];
            behind = p + 21 + places;
        }
        if at(data, behind) != b'Z' || at(data, behind + 1) != b'"' {
            return None;
        }
        let seconds = (hour * 3600 + minute * 60 + second) as i64;
        Some((self.day * DAY + seconds * SECOND + micros, behind + 2))
    }
}

/// Microseconds of the last of so many digits behind the point.
const MICROS: [i64; 7] = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1];

/// Days since 1970-01-01 of a text `YYYY-MM-DD`.
pub fn day_of(text: &[u8]) -> Result<i64, Reason> {
    if text.len() != 10 {
        return Err(Reason::BadText);
    }
    let (year, month, day) = date_parts(text).ok_or(Reason::BadText)?;
    if year == 0 {
        return Err(Reason::OutOfRange);
    }
    days(year, month, day).ok_or(Reason::BadText)
}

/// Microseconds of a number of units, of which one is 10^`scale` microseconds.
pub fn epoch_micros(number: &Number, scale: i64, rounding: bool) -> Result<i64, Reason> {
    let micros = number.to_scale(scale, 18, rounding)? as i64;
    if (MIN_MICROS..=MAX_MICROS).contains(&micros) { Ok(micros) } else { Err(Reason::OutOfRange) }
}

/// Microseconds of an RFC 3339 time.
pub fn micros_of(text: &[u8], rounding: bool) -> Result<i64, Reason> {
    let bad = Err(Reason::BadText);
    if text.len() < 19 || !matches!(text[10], b'T' | b't' | b' ') || text[13] != b':' || text[16] != b':' {
        return bad;
    }
    let (Some((year, month, day)), Some(hour), Some(minute), Some(second)) =
        (date_parts(text), two(text, 11), two(text, 14), two(text, 17))
    else {
        return bad;
    };
    let mut p = 19;
    let mut fraction: &[u8] = b"";
    if text.get(p) == Some(&b'.') {
        let count = text[p + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return bad;
        }
        fraction = &text[p + 1..p + 1 + count];
        p += 1 + count;
    }
    let Some(offset) = offset_of(&text[p..]) else {
        return bad;
    };
    if year == 0 {
        return Err(Reason::OutOfRange);
    }
    let Some(day) = days(year, month, day) else {
        return bad;
    };
    if hour > 23 || minute > 59 || second > 60 {
        return bad;
    }
    let seconds = match offset {
        Offset::None => return Err(Reason::NoOffset),
        Offset::Wrong => return bad,
        Offset::Seconds(seconds) => seconds,
    };
    let leap = second == 60;
    let clock = day * 86_400 + hour * 3600 + minute * 60 + if leap { 59 } else { second };
    let base = (clock - seconds) * SECOND;
    if leap && (base + SECOND) % DAY != 0 {
        return bad;
    }
    let micros = fraction_micros(fraction, rounding).ok_or(Reason::NotExact)?;
    if leap && !rounding {
        return Err(Reason::NotExact);
    }
    let instant = base + if leap { SECOND } else { 0 } + micros;
    if (MIN_MICROS..=MAX_MICROS).contains(&instant) { Ok(instant) } else { Err(Reason::OutOfRange) }
}

enum Offset {
    None,
    Wrong,
    Seconds(i64),
}

/// The offset that a text is as a whole; None when it is not of that form.
#[inline]
fn offset_of(text: &[u8]) -> Option<Offset> {
    match text {
        [] => Some(Offset::None),
        [b'Z' | b'z'] => Some(Offset::Seconds(0)),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two(text, 1)?, two(text, 4)?);
            if hours > 23 || minutes > 59 {
                return Some(Offset::Wrong);
            }
            let seconds = hours * 3600 + minutes * 60;
            Some(Offset::Seconds(if *sign == b'-' { -seconds } else { seconds }))
        }
        _ => None,
    }
}

/// Microseconds of the digits behind the point; None when they are not exact.
fn fraction_micros(digits: &[u8], rounding: bool) -> Option<i64> {
    let mut micros = 0_i64;
    for index in 0..6 {
        micros = micros * 10 + digits.get(index).map_or(0, |byte| i64::from(byte - b'0'));
    }
    let rest = digits.get(6..).unwrap_or_default();
    if rest.iter().all(|&byte| byte == b'0') {
        return Some(micros);
    }
    if !rounding {
        return None;
    }
    let up = match rest[0] {
        b'5' => rest[1..].iter().any(|&byte| byte != b'0') || micros % 2 == 1,
        first => first > b'5',
    };
    Some(micros + i64::from(up))
}

#[inline]
fn two(text: &[u8], p: usize) -> Option<i64> {
    let (tens, ones) = (text[p].wrapping_sub(b'0'), text[p + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

#[inline]
fn date_parts(text: &[u8]) -> Option<(i64, i64, i64)> {
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    Some((two(text, 0)? * 100 + two(text, 2)?, two(text, 5)?, two(text, 8)?))
}

/// Days since 1970-01-01 of a date in a year from 1; None when the calendar has no such day.
#[inline]
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let index = month as usize - 1;
    if day > LENGTHS[index] + i64::from(leap && month == 2) {
        return None;
    }
    let past = year - 1;
    let years = past * 365 + past / 4 - past / 100 + past / 400;
    Some(years + BEFORE[index] + i64::from(leap && month > 2) + day - 1 - 719_162)
}
