//! One record: read in a single pass, its columns' values written to a row, and the first fault kept.

use crate::bytes::at;
use crate::escape::unescape;
use crate::keys::Keys;
use crate::outcome::{Fault, Flaw, Outcome, Slot, Unknown};
use crate::plan::Plan;
use crate::rows::Rows;
use crate::scan::{Scanner, Stop};
use crate::time::{Today, day_of_micros};

/// The state of one record, and memory that serves all of them.
pub struct Reader<'plan> {
    pub plan: &'plan Plan,
    pub scanner: Scanner,
    pub keys: Keys,
    pub rows: Rows,
    pub unknown: Vec<Unknown>,
    /// Bytes that escapes spelled.
    pub spelled: Vec<u8>,
    /// The day that was last read.
    pub today: Today,
    fault: Option<Fault>,
    /// The reference must decode the record.
    pub leave: bool,
    /// Of every `skip`: whether it leaves the record out.
    pub skipped: Vec<bool>,
    pub stamp: u64,
}

impl<'plan> Reader<'plan> {
    pub fn new(plan: &'plan Plan, rows: Rows, lines: bool) -> Self {
        Self {
            plan,
            scanner: Scanner::new(plan.feed.depth, plan.feed.digits, lines),
            keys: Keys::new(plan),
            rows,
            unknown: Vec::new(),
            spelled: Vec::new(),
            today: Today::default(),
            fault: None,
            leave: false,
            skipped: vec![false; plan.feed.skips.len()],
            stamp: 0,
        }
    }

    /// Reads the record that reaches from the data's first byte to `end`, UTF-8 already checked. On `Good` the row that is
    /// being written, `unknown` and `spelled` hold it.
    pub fn read(&mut self, data: &[u8], end: usize) -> Outcome {
        self.rows.begin();
        self.unknown.clear();
        self.spelled.clear();
        self.scanner.reset();
        self.fault = None;
        self.leave = false;
        self.stamp += 1;
        for (skipped, skip) in self.skipped.iter_mut().zip(&self.plan.feed.skips) {
            *skipped = skip.null;
        }
        let start = self.scanner.space(data, 0);
        let object = at(data, start) == b'{';
        let scanned = if object { self.object(data, start, 0, 0) } else { self.scanner.value(data, start, 0) };
        let behind = match scanned {
            Ok(behind) => behind,
            // The CR of a line's end is passed over as white space.
            Err(Stop::Syntax(p)) => return Outcome::Syntax(p.min(end)),
            Err(Stop::Deep(p)) => return Outcome::Deep(p),
            Err(Stop::Leave) => return Outcome::Left,
        };
        let rest = self.scanner.space(data, behind);
        if rest < end {
            return Outcome::Trailing(rest);
        }
        if !object {
            return Outcome::NotAnObject(start, behind);
        }
        self.judge()
    }

    /// What becomes of a record that is strict JSON, unless a check that is still to come may find an earlier fault.
    fn judge(&mut self) -> Outcome {
        match (self.checked(), self.plan.settled) {
            (Outcome::Faulty(fault), Some(late)) if fault.column > late => Outcome::Left,
            (Outcome::UnknownField, Some(_)) => Outcome::Left,
            (Outcome::Faulty(Fault { flaw: Flaw::DerivedNull, .. }), Some(_)) => Outcome::Left,
            (outcome, _) => outcome,
        }
    }

    /// What becomes of it as far as can be seen here, in the order of the specification's checks.
    fn checked(&mut self) -> Outcome {
        if self.leave {
            return Outcome::Left;
        }
        if self.skipped.contains(&true) {
            return Outcome::Filtered;
        }
        let plan = self.plan;
        for &column in &plan.required {
            if !self.rows.is_filled(column) {
                let flaw = if self.rows.said_null(column) { Flaw::Null } else { Flaw::Missing };
                self.fault(column, flaw, 0, 0);
            }
        }
        if let Some(fault) = self.fault {
            return Outcome::Faulty(fault);
        }
        for &column in &plan.derived {
            let spec = &plan.feed.columns[column];
            if self.rows.is_filled(spec.date_of) {
                let row = self.rows.row;
                let micros = self.rows.columns[spec.date_of].whole(row);
                self.rows.columns[column].number(row, day_of_micros(micros));
                self.rows.fill(column);
            } else if spec.required {
                return Outcome::Faulty(Fault { column, flaw: Flaw::DerivedNull, start: 0, end: 0 });
            }
        }
        if !self.unknown.is_empty() && plan.feed.unknown == "reject" {
            return Outcome::UnknownField;
        }
        Outcome::Good
    }

    /// Keeps the fault of the first column in the contract's order; a column's own first one stays.
    pub fn fault(&mut self, column: usize, flaw: Flaw, start: usize, end: usize) {
        if self.fault.is_none_or(|known| column < known.column) {
            self.fault = Some(Fault { column, flaw, start, end });
        }
    }

    /// The text of a scanned string whose characters stand from `start` to `end`.
    pub fn text(&mut self, data: &[u8], start: usize, end: usize) -> Slot {
        if !self.scanner.escaped {
            return Slot::Source(start, end);
        }
        let from = self.spelled.len();
        unescape(&data[start..end], &mut self.spelled);
        Slot::Spelled(from, self.spelled.len())
    }

    /// The bytes of a slot that holds text.
    #[inline]
    pub fn bytes<'a>(&'a self, data: &'a [u8], slot: Slot) -> &'a [u8] {
        match slot {
            Slot::Source(start, end) => &data[start..end],
            Slot::Spelled(start, end) => &self.spelled[start..end],
            _ => &[],
        }
    }

    /// The key of a field that the contract does not know.
    pub fn key_of<'a>(&'a self, data: &'a [u8], field: &Unknown) -> (usize, &'a [u8]) {
        if field.number == 0 {
            return (field.node, self.bytes(data, field.key));
        }
        let word = &self.keys.words[field.number];
        (word.node as usize, &word.text)
    }

    /// Gives a column its value, or the record its fault.
    pub fn assign(&mut self, data: &[u8], column: usize, (start, end): (usize, usize), escaped: bool) {
        if data[start] == b'n' {
            self.rows.say_null(column);
            return;
        }
        self.scanner.escaped = escaped;
        match self.typed(data, column, start, end) {
            Ok(slot) => {
                self.store(data, column, slot);
                if self.plan.ruled[column]
                    && let Some(flaw) = self.beyond(data, column, slot)
                {
                    self.fault(column, flaw, start, end);
                }
            }
            Err(Some(reason)) => self.fault(column, Flaw::Unfit(reason), start, end),
            Err(None) => self.leave = true,
        }
    }

    fn store(&mut self, data: &[u8], column: usize, slot: Slot) {
        let row = self.rows.row;
        let target = &mut self.rows.columns[column];
        match slot {
            Slot::Number(value) => target.number(row, value),
            Slot::Decimal(value) => target.decimal(row, value),
            Slot::Source(start, end) => target.bytes(row, &data[start..end]),
            Slot::Spelled(start, end) => target.bytes(row, &self.spelled[start..end]),
        }
        self.rows.fill(column);
    }
}
