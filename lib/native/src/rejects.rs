//! Rejects: reason, column and message of records that are certainly at fault, in the words of the specification.

use crate::column::Column;
use crate::outcome::{Fault, Flaw, Outcome};
use crate::plan::Plan;
use crate::record::Reader;

const SHOWN_BYTES: usize = 64;

#[derive(Default)]
pub struct Rejects {
    found: Vec<Reject>,
    /// Only their number is wanted.
    pub counted: usize,
}

struct Reject {
    place: Place,
    reason: &'static str,
    column: Option<usize>,
    message: String,
}

/// Where a record lies: its number and offset in the object, its length, and where it starts in the chunk unless its bytes
/// are too many.
#[derive(Clone, Copy)]
pub struct Place {
    pub number: i64,
    pub offset: i64,
    pub length: usize,
    pub start: Option<usize>,
}

impl Rejects {
    pub fn count(&self) -> usize {
        self.found.len() + self.counted
    }

    /// Appends one reject.
    pub fn add(&mut self, place: Place, reason: &'static str, column: Option<usize>, message: String) {
        self.found.push(Reject { place, reason, column, message });
    }

    /// The rejects as columns.
    pub fn columns(&self, data: &[u8], plan: &Plan) -> Vec<Column> {
        let count = self.found.len();
        let mut columns: Vec<_> = (0..3).map(|_| Column::int64(count)).collect();
        columns.extend((0..5).map(|_| Column::text(count, count * 16)));
        let [offset, length, number, table, why, name, text, raw] = &mut columns[..] else {
            return columns;
        };
        for (row, reject) in self.found.iter().enumerate() {
            let place = &reject.place;
            offset.number(row, place.offset);
            length.number(row, place.length as i64);
            number.number(row, place.number);
            table.bytes(row, plan.feed.table.as_bytes());
            why.bytes(row, reject.reason.as_bytes());
            match reject.column {
                Some(column) => name.bytes(row, plan.feed.columns[column].name.as_bytes()),
                None => name.null(row),
            }
            text.bytes(row, reject.message.as_bytes());
            match place.start {
                Some(start) => raw.bytes(row, &data[start..start + place.length]),
                None => raw.null(row),
            }
        }
        columns.into_iter().map(|column| column.ended(count)).collect()
    }

    /// Appends the reject of what reading a record came to.
    pub fn judge(&mut self, outcome: Outcome, place: Place, data: &[u8], reader: &Reader<'_>) {
        let plan = reader.plan;
        let data = &data[..place.length];
        match outcome {
            Outcome::Syntax(p) => {
                let how = if p >= data.len() { "ends inside a JSON value" } else { "not JSON" };
                self.add(place, "invalid_json", None, format!("{how} at byte {p}"));
            }
            Outcome::Deep(p) => {
                let message = format!("nested deeper than {} at byte {p}", plan.feed.depth);
                self.add(place, "too_deep", None, message);
            }
            Outcome::Trailing(p) => {
                self.add(place, "trailing_content", None, format!("more after the JSON value at byte {p}"));
            }
            Outcome::NotAnObject(start, end) => {
                let message = format!("{} is not an object", shown(&data[start..end], plan));
                self.add(place, "not_an_object", None, message);
            }
            Outcome::UnknownField => {
                let mut path = String::new();
                if let Some(unknown) = reader.unknown.first() {
                    let (node, key) = reader.key_of(data, unknown);
                    path.push_str(&plan.nodes[node].pointer);
                    push_segment(&mut path, key);
                }
                self.add(place, "unknown_field", None, format!("{path} is not in the contract"));
            }
            Outcome::Faulty(fault) => self.fault(&fault, data, place, plan),
            Outcome::Good | Outcome::Filtered | Outcome::Left => {}
        }
    }

    fn fault(&mut self, fault: &Fault, data: &[u8], place: Place, plan: &Plan) {
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
        self.add(place, reason, Some(fault.column), message);
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
