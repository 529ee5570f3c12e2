//! One record: scanned in a single pass, its columns' values put aside, and the first fault kept.

use crate::number::Reason;
use crate::plan::Plan;
use crate::scan::{Scanned, Scanner, Stop, at, begins, colon, space, unescape};
use crate::time::day_of_micros;

/// What a column has in the record that is being read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    Missing,
    Null,
    /// A range of the record's bytes.
    Source(usize, usize),
    /// A range of the bytes that escapes spelled.
    Spelled(usize, usize),
    /// A whole number, a boolean, or the bits of a double.
    Number(i64),
    Decimal(i128),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Unfit(Reason),
    NotIn,
    Below,
    Above,
    /// Something on the path is no object; it stands under this key of this node.
    Blocked(usize, usize),
    Missing,
    Null,
    DerivedNull,
}

/// A column's first fault; `start` and `end` are the offending value's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub column: usize,
    pub flaw: Flaw,
    pub start: usize,
    pub end: usize,
}

/// A field that the contract does not know, by the node it stands in; its key in the record or, with escapes, spelled.
#[derive(Debug, Clone, Copy)]
pub struct Unknown {
    pub node: usize,
    pub key: Slot,
    pub start: usize,
    pub end: usize,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    Good,
    Filtered,
    Left,
    Syntax(usize),
    Deep(usize),
    Trailing(usize),
    NotAnObject(usize, usize),
    Faulty(Fault),
    UnknownField,
}

/// The state of one record, and memory that serves all of them.
pub struct Reader<'plan> {
    pub plan: &'plan Plan,
    pub scanner: Scanner,
    pub slots: Vec<Slot>,
    pub unknown: Vec<Unknown>,
    /// Bytes that escapes spelled.
    pub spelled: Vec<u8>,
    fault: Option<Fault>,
    /// The reference must decode the record.
    pub leave: bool,
    /// Of every `skip`: whether it leaves the record out.
    pub skipped: Vec<bool>,
    seen: Vec<u64>,
    stamp: u64,
    /// The place of the key that last followed a key, by its number; then of the first key of every node. Records of one
    /// feed mostly have one order.
    next: Vec<usize>,
}

impl<'plan> Reader<'plan> {
    pub fn new(plan: &'plan Plan) -> Self {
        Self {
            plan,
            scanner: Scanner::new(plan.feed.depth, plan.feed.digits),
            slots: vec![Slot::Missing; plan.kinds.len()],
            unknown: Vec::new(),
            spelled: Vec::new(),
            fault: None,
            leave: false,
            skipped: vec![false; plan.feed.skips.len()],
            seen: vec![0; plan.keys],
            stamp: 0,
            next: vec![0; plan.keys + plan.nodes.len()],
        }
    }

    /// Reads one record, UTF-8 already checked. On `Good` the slots, `unknown` and `spelled` hold its row.
    pub fn read(&mut self, data: &[u8]) -> Outcome {
        self.slots.fill(Slot::Missing);
        self.unknown.clear();
        self.spelled.clear();
        self.scanner.reset();
        self.fault = None;
        self.leave = false;
        self.stamp += 1;
        for (skipped, skip) in self.skipped.iter_mut().zip(&self.plan.feed.skips) {
            *skipped = skip.null;
        }
        let start = space(data, 0);
        let object = at(data, start) == b'{';
        let scanned = if object { self.object(data, start, 0, 0) } else { self.scanner.value(data, start, 0) };
        let end = match scanned {
            Ok(end) => end,
            Err(Stop::Syntax(p)) => return Outcome::Syntax(p),
            Err(Stop::Deep(p)) => return Outcome::Deep(p),
            Err(Stop::Leave) => return Outcome::Left,
        };
        let rest = space(data, end);
        if rest < data.len() {
            return Outcome::Trailing(rest);
        }
        if !object {
            return Outcome::NotAnObject(start, end);
        }
        self.judge()
    }

    /// What becomes of a record that is strict JSON, in the order of the specification's checks.
    fn judge(&mut self) -> Outcome {
        if self.leave {
            return Outcome::Left;
        }
        if self.skipped.contains(&true) {
            return Outcome::Filtered;
        }
        let plan = self.plan;
        for &column in &plan.required {
            match self.slots[column] {
                Slot::Missing => self.fault(column, Flaw::Missing, 0, 0),
                Slot::Null => self.fault(column, Flaw::Null, 0, 0),
                _ => {}
            }
        }
        if let Some(fault) = self.fault {
            return Outcome::Faulty(fault);
        }
        for &column in &plan.derived {
            let spec = &plan.feed.columns[column];
            if let Slot::Number(micros) = self.slots[spec.date_of] {
                self.slots[column] = Slot::Number(day_of_micros(micros));
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
    fn fault(&mut self, column: usize, flaw: Flaw, start: usize, end: usize) {
        if self.fault.is_none_or(|known| column < known.column) {
            self.fault = Some(Fault { column, flaw, start, end });
        }
    }

    /// Reads the object at `p` whose keys the plan's node knows. Recursion is as deep as the contract's paths.
    fn object(&mut self, data: &[u8], p: usize, node: usize, outer: usize) -> Scanned {
        if outer >= self.scanner.depth {
            return Err(Stop::Deep(p));
        }
        let plan = self.plan;
        let here = &plan.nodes[node];
        let base = self.scanner.open_keys();
        let mut previous = plan.keys + node;
        let mut p = space(data, p + 1);
        if at(data, p) == b'}' {
            return Ok(p + 1);
        }
        loop {
            let expected = self.next[previous];
            let mut place = None;
            let mut key = Slot::Missing;
            if let Some(found) = here.keys.get(expected)
                && begins(data, p, &found.quoted)
            {
                p += found.quoted.len();
                place = Some(expected);
            } else {
                if at(data, p) != b'"' {
                    return Err(Stop::Syntax(p));
                }
                let end = self.scanner.string(data, p)?;
                key = self.text(data, p + 1, end - 1);
                place = place.or_else(|| here.by_text.get(self.bytes(data, key)).copied());
                if place.is_none() {
                    self.scanner.take_key(&data[p + 1..end - 1], base)?;
                }
                p = end;
            }
            p = colon(data, p)?;
            let start = p;
            if let Some(place) = place {
                let found = &here.keys[place];
                if self.seen[found.number] == self.stamp {
                    return Err(Stop::Leave);
                }
                self.seen[found.number] = self.stamp;
                self.next[previous] = place;
                previous = found.number;
                p = self.known(data, p, (node, place), outer + 1)?;
                if here.collects && !found.known {
                    key = if key == Slot::Missing { self.spell(&found.quoted[1..found.quoted.len() - 1]) } else { key };
                    self.unknown.push(Unknown { node, key, start, end: p });
                }
            } else {
                p = self.scanner.value(data, p, outer + 1)?;
                if here.collects {
                    self.unknown.push(Unknown { node, key, start, end: p });
                }
            }
            p = space(data, p);
            match at(data, p) {
                b',' => p = space(data, p + 1),
                b'}' => {
                    self.scanner.close_keys(base)?;
                    return Ok(p + 1);
                }
                _ => return Err(Stop::Syntax(p)),
            }
        }
    }

    /// Reads the value of a key that the plan knows; the position behind it.
    #[inline(always)]
    fn known(&mut self, data: &[u8], start: usize, (node, place): (usize, usize), outer: usize) -> Scanned {
        let key = &self.plan.nodes[node].keys[place];
        let mark = at(data, start);
        let end = match key.child {
            Some(child) if mark == b'{' => self.object(data, start, child, outer)?,
            _ => match mark {
                b'"' => self.scanner.string(data, start)?,
                b'-' | b'0'..=b'9' => self.scanner.number(data, start)?,
                _ => self.scanner.value(data, start, outer)?,
            },
        };
        let escaped = mark == b'"' && self.scanner.escaped;
        if let Some(column) = key.below
            && mark != b'{'
            && mark != b'n'
        {
            self.fault(column, Flaw::Blocked(node, place), start, end);
        }
        for &column in &key.columns {
            self.assign(data, column, (start, end), escaped);
        }
        for &skip in &key.skips {
            self.skip(data, skip, (start, end), escaped);
        }
        Ok(end)
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

    fn spell(&mut self, text: &[u8]) -> Slot {
        let from = self.spelled.len();
        self.spelled.extend_from_slice(text);
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

    /// Gives a column its value, or the record its fault.
    #[inline]
    fn assign(&mut self, data: &[u8], column: usize, (start, end): (usize, usize), escaped: bool) {
        if data[start] == b'n' {
            self.slots[column] = Slot::Null;
            return;
        }
        self.scanner.escaped = escaped;
        match self.typed(data, column, start, end) {
            Ok(slot) => {
                self.slots[column] = slot;
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
}
