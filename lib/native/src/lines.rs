//! Blocks of an object in, chunks of whole lines out. The bytes lie in one buffer that is used again and again.

use crate::bytes::PADDING;

/// One line without its end: where it lies in the buffer, and bytes before that were dropped because there are too many.
#[derive(Clone, Copy)]
pub struct Line {
    pub start: usize,
    pub end: usize,
    pub dropped: usize,
    pub offset: i64,
    /// Records before it in the chunk that are not among the lines.
    pub skipped: i64,
}

impl Line {
    pub fn length(&self) -> usize {
        self.dropped + self.end - self.start
    }
}

/// How lines are gathered.
#[derive(Clone, Copy)]
pub struct Measure {
    /// A chunk ends behind the line with which so many bytes are reached.
    pub chunk_bytes: usize,
    /// A longer line is not kept.
    pub record_bytes: usize,
}

/// The lines of the chunk that is being gathered, and what lies behind it.
pub struct Lines {
    measure: Measure,
    /// The bytes, and `PADDING` behind them.
    buffer: Vec<u8>,
    /// Where the bytes end.
    filled: usize,
    /// Where the line begins that was not seen to end, how many of its bytes were dropped, and from where to look on.
    open: usize,
    dropped: usize,
    seen: usize,
    /// Bytes of the chunk's lines.
    gathered: usize,
    /// The offset of the open line in the object.
    offset: i64,
    pub lines: Vec<Line>,
    /// Empty lines, which are not among them.
    pub blank: u64,
    given: bool,
    /// Whether records were put instead of lines being gathered.
    pub framed: bool,
}

/// Bytes are taken in pieces of this size at most.
const TAKEN: usize = 1 << 20;
/// Chunks hold no more bytes than this many times `chunk_bytes`: reached only where most of them are blank lines.
const MOST: usize = 4;
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Lines {
    pub fn new(measure: Measure, offset: i64) -> Self {
        Self {
            measure,
            buffer: vec![0; PADDING],
            filled: 0,
            open: 0,
            dropped: 0,
            seen: 0,
            gathered: 0,
            offset,
            lines: Vec::new(),
            blank: 0,
            given: false,
            framed: false,
        }
    }

    /// Takes bytes from the front of `block`; how many.
    pub fn take(&mut self, block: &[u8]) -> usize {
        self.forget();
        let size = block.len().min(TAKEN);
        let end = self.filled + size;
        if self.buffer.len() < end + PADDING {
            self.buffer.resize(end + PADDING, 0);
        }
        self.buffer[self.filled..end].copy_from_slice(&block[..size]);
        self.buffer[end..end + PADDING].fill(0);
        self.filled = end;
        size
    }

    /// Whether a chunk is complete: `last` says that no bytes will follow, and then there is one, if only an empty one.
    pub fn gather(&mut self, last: bool) -> bool {
        self.forget();
        while let Some(found) = memchr::memchr(b'\n', &self.buffer[self.seen..self.filled]) {
            let end = self.seen + found;
            self.line(end, end + 1);
            if self.gathered >= self.measure.chunk_bytes {
                return self.give();
            }
        }
        self.seen = self.filled;
        if last {
            if self.open < self.filled || self.dropped > 0 {
                self.line(self.filled, self.filled);
            }
            return self.give();
        }
        self.skip_mark();
        if self.filled - self.open > self.measure.record_bytes + 1 {
            // The last byte stays: it may be the CR of the line's end.
            let kept = self.filled - 1;
            self.dropped += kept - self.open;
            self.buffer[self.open] = self.buffer[kept];
            self.filled = self.open + 1;
            self.buffer[self.filled..self.filled + PADDING].fill(0);
            self.seen = self.filled;
        }
        self.open > MOST * self.measure.chunk_bytes && self.give()
    }

    /// Begins a chunk of records that are put one by one.
    pub fn clear(&mut self) {
        self.framed = true;
        self.lines.clear();
        self.filled = 0;
    }

    /// Appends a record that begins at `offset` in the object, behind so many others that are not among the lines.
    pub fn put(&mut self, raw: &[u8], offset: i64, skipped: i64) {
        let start = self.filled;
        let end = start + raw.len();
        // A NUL byte ends it, as no JSON text has one.
        self.filled = end + 1;
        self.buffer.resize(self.filled + PADDING, 0);
        self.buffer[start..end].copy_from_slice(raw);
        self.buffer[end..].fill(0);
        self.lines.push(Line { start, end, dropped: 0, offset, skipped });
    }

    /// The chunk's bytes with everything behind them.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Ends the open line before `end`; the next one begins at `next`.
    fn line(&mut self, end: usize, next: usize) {
        self.skip_mark();
        let start = self.open;
        let end = if end > start && self.buffer[end - 1] == b'\r' { end - 1 } else { end };
        if start == end && self.dropped == 0 {
            self.blank += 1;
        } else {
            self.keep(start, end);
        }
        self.offset += (self.dropped + next - start) as i64;
        (self.open, self.seen, self.dropped) = (next, next, 0);
    }

    fn keep(&mut self, start: usize, end: usize) {
        let line = Line { start, end, dropped: self.dropped, offset: self.offset, skipped: 0 };
        self.gathered += line.length();
        self.lines.push(line);
    }

    /// Passes over a byte order mark at the object's beginning.
    fn skip_mark(&mut self) {
        if self.offset == 0 && self.dropped == 0 && self.buffer[self.open..self.filled].starts_with(MARK) {
            self.open += MARK.len();
            self.offset += MARK.len() as i64;
            self.seen = self.seen.max(self.open);
        }
    }

    fn give(&mut self) -> bool {
        self.given = true;
        true
    }

    /// Forgets a chunk that was given.
    fn forget(&mut self) {
        if !self.given {
            return;
        }
        self.given = false;
        self.buffer.copy_within(self.open..self.filled, 0);
        self.filled -= self.open;
        self.seen -= self.open;
        self.open = 0;
        let end = self.filled;
        self.buffer[end..end + PADDING].fill(0);
        self.lines.clear();
        self.blank = 0;
        self.gathered = 0;
    }
}
