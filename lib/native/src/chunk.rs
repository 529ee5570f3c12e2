//! A chunk of lines: each record read, good rows kept in the columns.

use crate::bytes::at;
use crate::census::{Census, Met, write_extra};
use crate::column::Column;
use crate::lines::{Line, Lines};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::record::Reader;
use crate::rejects::{Place, Rejects};
use crate::rows::Rows;

/// What decoding a chunk gave.
pub struct Decoded {
    /// The contract's columns that are wanted; `_extra` if kept, or the records' numbers; and the records' offsets.
    pub columns: Vec<Column>,
    /// Bytes of text in each column of the contract, and in `_extra`.
    pub sizes: Vec<usize>,
    pub good: usize,
    pub rejects: Vec<Column>,
    pub quarantined: usize,
    /// Number, offset, start and end (in the chunk) of the records that the reference must decode.
    pub left: Vec<(i64, i64, usize, usize)>,
    pub filtered: u64,
    pub blank: u64,
    pub records: u64,
    pub census: Vec<Met>,
}

/// Decodes records one after another.
pub struct Chunk<'chunk> {
    plan: &'chunk Plan,
    data: &'chunk [u8],
    reader: Reader<'chunk>,
    rejects: Rejects,
    /// `_extra`, or the records' numbers.
    beside: Column,
    offsets: Column,
    extra: Vec<u8>,
    census: Census,
    /// No text column has more bytes than this.
    text: usize,
    /// Offsets of records that the reference must decode, in order.
    refused: &'chunk [i64],
    left: Vec<(i64, i64, usize, usize)>,
    filtered: u64,
}

impl<'chunk> Chunk<'chunk> {
    /// Room for all the lines; `sizes` are the bytes of text that each column may expect.
    pub fn new(plan: &'chunk Plan, given: &'chunk Lines, refused: &'chunk [i64], sizes: &[usize]) -> Self {
        let (data, lines) = (given.bytes(), given.lines.len());
        let rows = Rows::new(plan, lines, sizes);
        let text = sizes.get(plan.kinds.len()).map_or(0, |&bytes| bytes + bytes / 16);
        Self {
            plan,
            data,
            reader: Reader::new(plan, rows, !given.framed),
            rejects: Rejects::default(),
            beside: if plan.feed.keys { Column::int64(lines) } else { Column::text(lines, text) },
            offsets: Column::int64(lines),
            extra: Vec::new(),
            census: Census::default(),
            text: 0,
            refused,
            left: Vec::new(),
            filtered: 0,
        }
    }

    /// Decodes the lines; `first` is the number of their first record.
    pub fn decode(mut self, given: &Lines, first: i64) -> Decoded {
        let lines = &given.lines;
        let valid = match (lines.first(), lines.last()) {
            (Some(start), Some(end)) => simdutf8::basic::from_utf8(&self.data[start.start..end.end]).is_ok(),
            _ => true,
        };
        let (mut blank, mut number) = (given.blank, first);
        for line in lines {
            if self.is_blank(line) {
                blank += 1;
            } else {
                self.record(line, number + line.skipped, valid);
                number += 1;
            }
        }
        let good = self.reader.rows.row;
        let rejects = if self.plan.feed.keys { Vec::new() } else { self.rejects.columns(self.data, self.plan) };
        let (beside, offsets) = (self.beside.ended(good), self.offsets.ended(good));
        let sizes = self.reader.rows.columns.iter().chain([&beside]).map(|column| column.text_size(good)).collect();
        let columns = self.reader.rows.columns.into_iter().zip(&self.plan.feed.columns).filter(|(_, spec)| spec.kept);
        let mut columns: Vec<_> = columns.map(|(column, _)| column.ended(good)).collect();
        if self.plan.feed.keys || self.plan.feed.unknown == "extra" {
            columns.push(beside);
        }
        columns.push(offsets);
        Decoded {
            columns,
            sizes,
            good,
            rejects,
            quarantined: self.rejects.count(),
            left: self.left,
            filtered: self.filtered,
            blank,
            records: (number - first) as u64,
            census: self.census.met,
        }
    }

    fn is_blank(&self, line: &Line) -> bool {
        line.dropped == 0
            && at(self.data, line.start) <= b' '
            && line.length() <= self.plan.feed.record_bytes
            && self.data[line.start..line.end].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }

    fn record(&mut self, line: &Line, number: i64, valid: bool) {
        let (offset, length) = (line.offset, line.length());
        let limit = self.plan.feed.record_bytes;
        if length > limit {
            let place = Place { number, offset, length, start: None };
            self.reject(place, "record_too_large", || format!("{length} bytes are more than {limit}"));
            return;
        }
        let place = Place { number, offset, length, start: Some(line.start) };
        let data = &self.data[line.start..];
        if !valid && let Err(error) = std::str::from_utf8(&data[..length]) {
            self.reject(place, "invalid_utf8", || format!("not UTF-8 at byte {}", error.valid_up_to()));
            return;
        }
        // Offsets into texts have 31 bits; no text of a row but `_extra` is longer than its record.
        if self.text + length > i32::MAX as usize || self.refused.binary_search(&offset).is_ok() {
            self.left.push((number, offset, line.start, line.end));
            return;
        }
        match self.reader.read(data, length) {
            Outcome::Good if self.append(data, length, (number, offset)) => {}
            Outcome::Good | Outcome::Left => self.left.push((number, offset, line.start, line.end)),
            Outcome::Filtered => self.filtered += 1,
            _ if self.plan.feed.keys => self.rejects.counted += 1,
            outcome => self.rejects.judge(outcome, place, data, &self.reader),
        }
    }

    fn reject(&mut self, place: Place, reason: &'static str, message: impl FnOnce() -> String) {
        if self.plan.feed.keys {
            self.rejects.counted += 1;
        } else {
            self.rejects.add(place, reason, None, message());
        }
    }

    /// Keeps the row that was read; false when its texts have no room.
    fn append(&mut self, raw: &[u8], length: usize, (number, offset): (i64, i64)) -> bool {
        let row = self.reader.rows.row;
        let mut size = length;
        if self.plan.feed.keys {
            self.beside.number(row, number);
        } else if self.reader.unknown.is_empty() {
            if self.plan.feed.unknown == "extra" {
                self.beside.null(row);
            }
        } else {
            self.extra.clear();
            write_extra(&mut self.extra, raw, &self.reader);
            size = size.max(self.extra.len());
            if self.text + size > i32::MAX as usize {
                return false;
            }
            self.beside.bytes(row, &self.extra);
            self.census.count(&mut self.reader, raw, offset);
        }
        self.text += size;
        self.offsets.number(row, offset);
        self.reader.rows.commit();
        true
    }
}
