//! Exact typed values from the source slices of scanned JSON, and the contract's rules for them.

use crate::number::{Number, Reason, short_decimal, short_integer};
use crate::outcome::{Flaw, Slot};
use crate::plan::{ColumnSpec, Kind, Plan};
use crate::record::Reader;
use crate::time::{day_of, epoch_micros, micros_of};
use crate::token::number_end;

impl Reader<'_> {
    /// The typed value of a source slice; no reason means that the reference must look.
    #[inline]
    pub fn typed(&mut self, data: &[u8], column: usize, start: usize, end: usize) -> Result<Slot, Option<Reason>> {
        let plan = self.plan;
        let spec = &plan.feed.columns[column];
        let quoted = data[start] == b'"';
        match plan.kinds[column] {
            Kind::Json => Ok(Slot::Source(start, end)),
            Kind::Text if quoted => Ok(self.text(data, start + 1, end - 1)),
            Kind::Text if spec.lenient && !matches!(data[start], b'{' | b'[') => Ok(Slot::Source(start, end)),
            Kind::Boolean => match data[start] {
                b't' => Ok(Slot::Number(1)),
                b'f' => Ok(Slot::Number(0)),
                b'"' if spec.lenient => {
                    let text = self.text(data, start + 1, end - 1);
                    match self.bytes(data, text) {
                        b"true" => Ok(Slot::Number(1)),
                        b"false" => Ok(Slot::Number(0)),
                        _ => Err(Some(Reason::BadText)),
                    }
                }
                _ => Err(Some(Reason::WrongType)),
            },
            Kind::Date | Kind::Time if quoted => {
                let text = self.text(data, start + 1, end - 1);
                let text = self.bytes(data, text);
                if plan.kinds[column] == Kind::Date {
                    Ok(Slot::Number(day_of(text)?))
                } else {
                    Ok(Slot::Number(micros_of(text, spec.round)?))
                }
            }
            Kind::Text | Kind::Date | Kind::Time | Kind::DateOf => Err(Some(Reason::WrongType)),
            _ if matches!(data[start], b'-' | b'0'..=b'9') => numeric(&data[start..end], plan, column),
            _ if spec.lenient && quoted => {
                let text = self.text(data, start + 1, end - 1);
                let text = self.bytes(data, text);
                if number_end(text, 0) != Ok(text.len()) {
                    return Err(Some(Reason::BadText));
                }
                numeric(text, plan, column)
            }
            _ => Err(Some(Reason::WrongType)),
        }
    }

    /// The rule of the contract that a typed value breaks.
    #[inline]
    pub fn beyond(&self, data: &[u8], column: usize, slot: Slot) -> Option<Flaw> {
        let spec = &self.plan.feed.columns[column];
        let (known, low, high) = match (self.plan.kinds[column], slot) {
            (Kind::Double, Slot::Number(bits)) => {
                let value = f64::from_bits(bits as u64);
                (
                    spec.allowed_doubles.as_ref().map(|all| all.contains(&value)),
                    spec.low_double.is_some_and(|low| value < low),
                    spec.high_double.is_some_and(|high| value > high),
                )
            }
            (_, Slot::Number(value)) => whole(spec, i128::from(value)),
            (_, Slot::Decimal(value)) => whole(spec, value),
            (Kind::Text, slot) => {
                let text = self.bytes(data, slot);
                (
                    spec.allowed_texts.as_ref().map(|all| all.iter().any(|one| one.as_bytes() == text)),
                    spec.low_text.as_ref().is_some_and(|low| text < low.as_bytes()),
                    spec.high_text.as_ref().is_some_and(|high| text > high.as_bytes()),
                )
            }
            _ => return None,
        };
        match (known, low, high) {
            (Some(false), _, _) => Some(Flaw::NotIn),
            (_, true, _) => Some(Flaw::Below),
            (_, _, true) => Some(Flaw::Above),
            _ => None,
        }
    }

    /// Whether the value at a `skip` path is one of those listed.
    pub fn skip(&mut self, data: &[u8], skip: usize, (start, end): (usize, usize), escaped: bool) {
        let spec = &self.plan.feed.skips[skip];
        let source = &data[start..end];
        self.skipped[skip] = match source[0] {
            b'n' => spec.null,
            b'"' => {
                self.scanner.escaped = escaped;
                let text = self.text(data, start + 1, end - 1);
                let text = self.bytes(data, text);
                spec.texts.iter().any(|one| one.as_bytes() == text)
            }
            b'-' | b'0'..=b'9' => match Number::read(source) {
                Some(number) => spec.numbers.iter().any(|(digits, power)| same(&number, digits, *power)),
                None => {
                    self.leave |= !spec.numbers.is_empty();
                    false
                }
            },
            _ => spec.literals.iter().any(|one| one.as_bytes() == source),
        };
    }
}

#[inline]
fn whole(spec: &ColumnSpec, value: i128) -> (Option<bool>, bool, bool) {
    (
        spec.allowed.as_ref().map(|all| all.contains(&value)),
        spec.low.is_some_and(|low| value < low),
        spec.high.is_some_and(|high| value > high),
    )
}

fn same(number: &Number, digits: &str, power: i64) -> bool {
    let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
    if digits == "0" {
        return number.digits().is_empty();
    }
    number.negative == negative
        && number.power == power
        && number.digits().iter().map(|digit| digit + b'0').eq(digits.bytes())
}

/// The value of a JSON number's text in a column of numbers.
#[inline]
fn numeric(text: &[u8], plan: &Plan, column: usize) -> Result<Slot, Option<Reason>> {
    let spec = &plan.feed.columns[column];
    let read = || Number::read(text).ok_or(None);
    match plan.kinds[column] {
        Kind::Double => {
            let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok()).ok_or(None)?;
            if value.is_infinite() {
                return Err(Some(Reason::OutOfRange));
            }
            Ok(Slot::Number(value.to_bits() as i64))
        }
        Kind::Decimal => {
            if let Some(value) = short_decimal(text, spec.scale, spec.precision) {
                return Ok(Slot::Decimal(value));
            }
            Ok(Slot::Decimal(read()?.to_scale(spec.scale, spec.precision, spec.round)?))
        }
        Kind::Epoch => Ok(Slot::Number(epoch_micros(&read()?, spec.scale, spec.round)?)),
        _ => {
            let value = if let Some(value) = short_integer(text) {
                i128::from(value)
            } else {
                if !spec.lenient && !spec.round && text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                    return Err(Some(Reason::NotExact));
                }
                read()?.to_scale(0, 20, spec.round)?
            };
            let bound = 1_i128 << (spec.bits - 1);
            if (-bound..bound).contains(&value) {
                Ok(Slot::Number(value as i64))
            } else {
                Err(Some(Reason::OutOfRange))
            }
        }
    }
}
