//! A chunk of records: split into lines where they are lines, each record read, good rows appended to the columns.

use crate::arrow::{Column, Values};
use crate::plan::{Kind, Plan};
use crate::record::{Outcome, Reader, Slot, Unknown};
use crate::rejects::{Place, Rejects, push_segment};
use crate::scan::{KeyMap, hash};

/// How often an unknown field was met: pointer, JSON type, count, offset of the first record.
pub struct Met {
    pub pointer: String,
    pub kind: &'static str,
    pub count: u64,
    pub first: i64,
}

/// What decoding a chunk gave.
pub struct Decoded {
    /// The contract's columns, `_extra` if kept, and the records' offsets.
    pub columns: Vec<Column>,
    pub good: usize,
    pub rejects: Rejects,
    /// Number, start and end (in the chunk) of the records that the reference must decode.
    pub left: Vec<(i64, usize, usize)>,
    pub filtered: u64,
    pub blank: u64,
    pub records: u64,
    pub census: Vec<Met>,
}

/// Decodes records one after another.
pub struct Chunk<'plan> {
    plan: &'plan Plan,
    reader: Reader<'plan>,
    out: Decoded,
    extra: bool,
    /// No text column has more bytes than this.
    text: usize,
    /// Offsets of records that the reference must decode, in order.
    refused: &'plan [i64],
    known: KeyMap<u64, Vec<(usize, Vec<u8>, usize)>>,
}

impl<'plan> Chunk<'plan> {
    pub fn new(plan: &'plan Plan, refused: &'plan [i64], sizes: &[(usize, usize)]) -> Self {
        let extra = plan.feed.unknown == "extra";
        let mut columns: Vec<_> = (0..plan.kinds.len()).map(|column| column_of(plan, column)).collect();
        if extra {
            columns.push(Column::text());
        }
        columns.push(Column::new(Values::Int64(Vec::new())));
        for (column, &(rows, text)) in columns.iter_mut().zip(sizes) {
            column.reserve((rows + rows / 16, text + text / 16));
        }
        let out = Decoded {
            columns,
            good: 0,
            rejects: Rejects::new(),
            left: Vec::new(),
            filtered: 0,
            blank: 0,
            records: 0,
            census: Vec::new(),
        };
        Self { plan, reader: Reader::new(plan), out, extra, text: 0, refused, known: KeyMap::default() }
    }

    /// Decodes lines. `base` is the offset of the data's first byte, `first` the number of its first record.
    pub fn lines(mut self, data: &[u8], base: i64, first: i64) -> Decoded {
        let valid = std::str::from_utf8(data).is_ok();
        let bom: &[u8] = b"\xef\xbb\xbf";
        let mark = if base == 0 && data.starts_with(bom) { bom.len() } else { 0 };
        let mut began = 0;
        let ends = memchr::memchr_iter(b'\n', data).map(|end| (end, end + 1));
        for (end, next) in ends.chain([(data.len(), data.len() + 1)]) {
            if began >= data.len() {
                break;
            }
            let start = if began == 0 { mark } else { began };
            let line = &data[start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) && line.len() <= self.plan.feed.record_bytes
            {
                self.out.blank += 1;
            } else {
                let number = first + self.out.records as i64;
                self.record(data, (start, start + line.len()), base, number, valid);
                self.out.records += 1;
            }
            began = next;
        }
        self.out
    }

    /// Decodes one record of the chunk, a byte range.
    fn record(&mut self, data: &[u8], (start, end): (usize, usize), base: i64, number: i64, valid: bool) {
        let raw = &data[start..end];
        let offset = base + start as i64;
        let limit = self.plan.feed.record_bytes;
        if raw.len() > limit {
            let message = format!("{} bytes are more than {limit}", raw.len());
            let place = Place { number, offset, length: raw.len(), raw: None };
            self.out.rejects.add(&place, self.plan, "record_too_large", None, &message);
            return;
        }
        let place = Place { number, offset, length: raw.len(), raw: Some(raw) };
        if !valid && let Err(error) = std::str::from_utf8(raw) {
            let message = format!("not UTF-8 at byte {}", error.valid_up_to());
            self.out.rejects.add(&place, self.plan, "invalid_utf8", None, &message);
            return;
        }
        match self.reader.read(raw) {
            Outcome::Good if self.has_room(raw.len()) && self.refused.binary_search(&offset).is_err() => {
                self.append(raw, offset)
            }
            Outcome::Good | Outcome::Left => self.out.left.push((number, start, end)),
            Outcome::Filtered => self.out.filtered += 1,
            outcome => self.out.rejects.judge(outcome, &place, self.plan, &self.reader),
        }
    }

    /// Whether the row that was read fits into text columns, whose offsets have 31 bits: no text of a row is longer than
    /// what is added here.
    fn has_room(&mut self, record: usize) -> bool {
        let nodes = &self.plan.nodes;
        let paths: usize = self.reader.unknown.iter().map(|field| nodes[field.node].pointer.len() * 6 + 4).sum();
        self.text += 8 * record + paths + 2;
        self.text <= i32::MAX as usize
    }

    fn append(&mut self, raw: &[u8], offset: i64) {
        let reader = &self.reader;
        for (slot, column) in reader.slots.iter().zip(&mut self.out.columns) {
            match *slot {
                Slot::Missing | Slot::Null => column.null(),
                Slot::Number(value) => column.number(value),
                Slot::Decimal(value) => column.decimal(value),
                Slot::Source(start, end) => column.range(raw, start, end),
                Slot::Spelled(start, end) => column.bytes(&reader.spelled[start..end]),
            }
        }
        if let Some(column) = self.out.columns.last_mut() {
            column.number(offset);
        }
        self.out.good += 1;
        if !self.extra {
            return;
        }
        let place = self.out.columns.len() - 2;
        if self.reader.unknown.is_empty() {
            self.out.columns[place].null();
            return;
        }
        if let Some(bytes) = self.out.columns[place].open_text() {
            write_extra(bytes, raw, self.plan, reader);
        }
        self.out.columns[place].end_text();
        for index in 0..self.reader.unknown.len() {
            self.count(self.reader.unknown[index], raw, offset);
        }
    }

    /// Counts an unknown field of a good row.
    fn count(&mut self, field: Unknown, raw: &[u8], offset: i64) {
        let kind = json_type(raw[field.start]);
        let key = self.reader.bytes(raw, field.key);
        let mark = field.node * 8 + KINDS.iter().position(|&known| known == kind).unwrap_or(0);
        let same = self.known.entry(hash(key) ^ mark as u64).or_default();
        if let Some((_, _, entry)) = same.iter().find(|(other, text, _)| *other == mark && text == key) {
            self.out.census[*entry].count += 1;
            return;
        }
        same.push((mark, key.to_vec(), self.out.census.len()));
        let mut pointer = self.plan.nodes[field.node].pointer.clone();
        push_segment(&mut pointer, key);
        self.out.census.push(Met { pointer, kind, count: 1, first: offset });
    }
}

/// Where the chunk ends that begins with the data: behind the line with which `chunk_bytes` of lines are reached.
pub fn cut(data: &[u8], bom: bool, chunk_bytes: usize) -> Option<usize> {
    let mut start = if bom && data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut gathered = 0;
    for end in memchr::memchr_iter(b'\n', data) {
        let length = end - start;
        gathered += length - usize::from(length > 0 && data[end - 1] == b'\r');
        start = end + 1;
        if gathered >= chunk_bytes {
            return Some(start);
        }
    }
    None
}

fn column_of(plan: &Plan, column: usize) -> Column {
    match plan.kinds[column] {
        Kind::Text | Kind::Json => Column::text(),
        Kind::Boolean => Column::new(Values::Bits(Vec::new())),
        Kind::Double => Column::new(Values::Float64(Vec::new())),
        Kind::Decimal => Column::new(Values::Decimal(Vec::new())),
        Kind::Date | Kind::DateOf => Column::new(Values::Int32(Vec::new())),
        Kind::Time | Kind::Epoch => Column::new(Values::Int64(Vec::new())),
        Kind::Integer => Column::new(match plan.feed.columns[column].bits {
            16 => Values::Int16(Vec::new()),
            32 => Values::Int32(Vec::new()),
            _ => Values::Int64(Vec::new()),
        }),
    }
}

/// Appends the text of a row's `_extra`.
fn write_extra(out: &mut Vec<u8>, raw: &[u8], plan: &Plan, reader: &Reader<'_>) {
    let mut mark = b'{';
    for field in &reader.unknown {
        out.push(mark);
        out.push(b'"');
        push_escaped(out, plan.nodes[field.node].pointer.as_bytes());
        out.push(b'/');
        for &byte in reader.bytes(raw, field.key) {
            match byte {
                b'~' => out.extend_from_slice(b"~0"),
                b'/' => out.extend_from_slice(b"~1"),
                byte => push_escaped(out, &[byte]),
            }
        }
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&raw[field.start..field.end]);
        mark = b',';
    }
    out.push(b'}');
}

/// Appends text inside a JSON string; only quote, backslash and control characters are escaped.
fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

const KINDS: [&str; 6] = ["string", "object", "array", "boolean", "null", "number"];

fn json_type(first: u8) -> &'static str {
    match first {
        b'"' => "string",
        b'{' => "object",
        b'[' => "array",
        b't' | b'f' => "boolean",
        b'n' => "null",
        _ => "number",
    }
}
