//! Rejects: reason, column and message of records that are certainly at fault, in the words of the specification.

use crate::arrow::{Column, Values};
use crate::plan::Plan;
use crate::record::{Fault, Flaw, Outcome, Reader};

const SHOWN_BYTES: usize = 64;

pub struct Rejects {
    pub columns: Vec<Column>,
    pub count: usize,
}

/// Where a record lies: its number and offset in the object, its length, and its bytes unless they are too many.
pub struct Place<'a> {
    pub number: i64,
    pub offset: i64,
    pub length: usize,
    pub raw: Option<&'a [u8]>,
}

impl Rejects {
    pub fn new() -> Self {
        let mut columns: Vec<_> = (0..3).map(|_| Column::new(Values::Int64(Vec::new()))).collect();
        columns.extend((0..5).map(|_| Column::text()));
        Self { columns, count: 0 }
    }

    /// Appends one reject.
    pub fn add(&mut self, place: &Place<'_>, plan: &Plan, reason: &str, column: Option<usize>, message: &str) {
        let [offset, length, number, table, why, name, text, raw] = &mut self.columns[..] else {
            return;
        };
        offset.number(place.offset);
        length.number(place.length as i64);
        number.number(place.number);
        table.bytes(plan.feed.table.as_bytes());
        why.bytes(reason.as_bytes());
        match column {
            Some(column) => name.bytes(plan.feed.columns[column].name.as_bytes()),
            None => name.null(),
        }
        text.bytes(message.as_bytes());
        match place.raw {
            Some(bytes) => raw.bytes(bytes),
            None => raw.null(),
        }
        self.count += 1;
    }

    /// Appends the reject of what reading a record came to.
    pub fn judge(&mut self, outcome: Outcome, place: &Place<'_>, plan: &Plan, reader: &Reader<'_>) {
        let data = place.raw.unwrap_or_default();
        match outcome {
            Outcome::Syntax(p) => {
                let how = if p >= data.len() { "ends inside a JSON value" } else { "not JSON" };
                self.add(place, plan, "invalid_json", None, &format!("{how} at byte {p}"));
            }
            Outcome::Deep(p) => {
                let message = format!("nested deeper than {} at byte {p}", plan.feed.depth);
                self.add(place, plan, "too_deep", None, &message);
            }
            Outcome::Trailing(p) => {
                self.add(place, plan, "trailing_content", None, &format!("more after the JSON value at byte {p}"));
            }
            Outcome::NotAnObject(start, end) => {
                let message = format!("{} is not an object", shown(&data[start..end], plan));
                self.add(place, plan, "not_an_object", None, &message);
            }
            Outcome::UnknownField => {
                let mut path = String::new();
                if let Some(unknown) = reader.unknown.first() {
                    path.push_str(&plan.nodes[unknown.node].pointer);
                    push_segment(&mut path, reader.bytes(data, unknown.key));
                }
                self.add(place, plan, "unknown_field", None, &format!("{path} is not in the contract"));
            }
            Outcome::Faulty(fault) => self.fault(&fault, data, place, plan),
            Outcome::Good | Outcome::Filtered | Outcome::Left => {}
        }
    }

    fn fault(&mut self, fault: &Fault, data: &[u8], place: &Place<'_>, plan: &Plan) {
        let spec = &plan.feed.columns[fault.column];
        let value = shown(&data[fault.start..fault.end], plan);
        let path = &plan.pointers[fault.column];
        let (reason, message) = match fault.flaw {
            Flaw::Unfit(reason) => (reason.name(), format!("{value} does not fit {}", spec.type_text)),
            Flaw::NotIn => ("not_in_values", format!("{value} is not one of the values")),
            Flaw::Below => ("below_min", format!("{value} is below {}", spec.minimum)),
            Flaw::Above => ("above_max", format!("{value} is above {}", spec.maximum)),
            Flaw::Blocked(node, key) => {
                ("wrong_type", format!("{value} at {} is not an object", plan.nodes[node].keys[key].pointer))
            }
            Flaw::Missing => ("missing_value", format!("{path} is missing")),
            Flaw::Null => ("missing_value", format!("{path} is null")),
            Flaw::DerivedNull => ("missing_value", format!("{} is null", plan.feed.columns[spec.date_of].name)),
        };
        self.add(place, plan, reason, Some(fault.column), &message);
    }
}

/// A source slice for a message: at most 64 bytes, cut at a character; nothing of it where the feed has personal data.
fn shown(source: &[u8], plan: &Plan) -> String {
    if plan.feed.hidden {
        return "the value".to_owned();
    }
    if source.len() <= SHOWN_BYTES {
        return String::from_utf8_lossy(source).into_owned();
    }
    let mut end = SHOWN_BYTES;
    while end > 0 && source[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    format!("{}…", String::from_utf8_lossy(&source[..end]))
}

/// Appends a key to a JSON Pointer.
pub fn push_segment(pointer: &mut String, key: &[u8]) {
    pointer.push('/');
    for character in String::from_utf8_lossy(key).chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
