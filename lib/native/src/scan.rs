//! The strict JSON scanner: RFC 8259 over one record's bytes, which are known to be UTF-8.
//!
//! Positions count bytes from the record's first. Nothing here recurses: open containers are on a stack of their own.

use crate::bytes::{at, special};
use crate::escape::{hex, unescape};
use crate::hash::hash;
use crate::token::{literal, number_end};

/// Why scanning ended before the record did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The first byte that no JSON text can have there; the record's length when it ends too early.
    Syntax(usize),
    /// The bracket that opens a level too many.
    Deep(usize),
    /// Something that the reference decoder must decide: a flaw, or a case that is not worth code here.
    Leave,
}

pub type Scanned = Result<usize, Stop>;

const ARRAY: u32 = u32::MAX;
/// Up to so many keys of an object are compared as they come; the keys of larger ones are sorted at its end.
const COMPARED: usize = 16;

/// A scanner with its reusable memory.
pub struct Scanner {
    /// Levels that may be open at once.
    pub depth: usize,
    /// Bytes that a number may have.
    pub digits: usize,
    /// Whether the string read last holds an escape.
    pub escaped: bool,
    /// What ends lines and is white space where records are not lines; a space where they are.
    newline: u8,
    /// Hashes of the keys of all open objects, outermost first.
    keys: Vec<u64>,
    stack: Vec<u32>,
    text: Vec<u8>,
}

impl Scanner {
    pub fn new(depth: usize, digits: usize, lines: bool) -> Self {
        let newline = if lines { b' ' } else { b'\n' };
        Self { depth, digits, escaped: false, newline, keys: Vec::new(), stack: Vec::new(), text: Vec::new() }
    }

    /// Forgets the record before.
    pub fn reset(&mut self) {
        self.keys.clear();
    }

    /// Where the keys of an object that opens now begin.
    pub fn open_keys(&self) -> usize {
        self.keys.len()
    }

    /// Takes an object's key, the source text `source` between its quotes, or what its escapes spell.
    fn take_key(&mut self, source: &[u8], base: usize) -> Result<(), Stop> {
        let hash = if self.escaped {
            self.text.clear();
            unescape(source, &mut self.text);
            hash(&self.text)
        } else {
            hash(source)
        };
        self.take_hash(hash, base)
    }

    /// Takes the hash of an object's key.
    pub fn take_hash(&mut self, hash: u64, base: usize) -> Result<(), Stop> {
        // Two keys of one hash are most likely one key; the reference knows.
        if self.keys.len() - base < COMPARED && self.keys[base..].contains(&hash) {
            return Err(Stop::Leave);
        }
        self.keys.push(hash);
        Ok(())
    }

    /// Closes an object whose keys begin at `base`.
    pub fn close_keys(&mut self, base: usize) -> Result<(), Stop> {
        if self.keys.len() - base > COMPARED {
            let own = &mut self.keys[base..];
            own.sort_unstable();
            if own.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(Stop::Leave);
            }
        }
        self.keys.truncate(base);
        Ok(())
    }

    /// Reads the value that begins at `p`, inside `outer` open levels; gives the position behind it.
    #[inline]
    pub fn value(&mut self, data: &[u8], p: usize, outer: usize) -> Scanned {
        match at(data, p) {
            b'{' | b'[' => self.container(data, p, outer),
            _ => self.scalar(data, p),
        }
    }

    #[inline]
    fn scalar(&mut self, data: &[u8], p: usize) -> Scanned {
        match at(data, p) {
            b'"' => self.string(data, p),
            b't' => literal(data, p, b"true"),
            b'f' => literal(data, p, b"false"),
            b'n' => literal(data, p, b"null"),
            _ => self.number(data, p),
        }
    }

    fn container(&mut self, data: &[u8], mut p: usize, outer: usize) -> Scanned {
        self.stack.clear();
        loop {
            let mark = at(data, p);
            if mark == b'{' || mark == b'[' {
                if outer + self.stack.len() >= self.depth {
                    return Err(Stop::Deep(p));
                }
                let object = mark == b'{';
                self.stack.push(if object { self.keys.len() as u32 } else { ARRAY });
                p = self.space(data, p + 1);
                if at(data, p) != if object { b'}' } else { b']' } {
                    if object {
                        p = self.key(data, p)?;
                    }
                    continue;
                }
            } else {
                p = self.scalar(data, p)?;
            }
            p = match self.close(data, p)? {
                (end, true) => return Ok(end),
                (next, false) => next,
            };
        }
    }

    /// Closes what ends at `p`: the position of the next value, or (with true) that behind the outermost container.
    fn close(&mut self, data: &[u8], mut p: usize) -> Result<(usize, bool), Stop> {
        while let Some(&top) = self.stack.last() {
            p = self.space(data, p);
            let mark = at(data, p);
            if mark == b',' {
                p = self.space(data, p + 1);
                if top != ARRAY {
                    p = self.key(data, p)?;
                }
                return Ok((p, false));
            }
            if mark != if top == ARRAY { b']' } else { b'}' } {
                return Err(Stop::Syntax(p));
            }
            if top != ARRAY {
                self.close_keys(top as usize)?;
            }
            self.stack.pop();
            p += 1;
        }
        Ok((p, true))
    }

    /// Reads a key of the innermost open object and its colon; the position of the value.
    fn key(&mut self, data: &[u8], p: usize) -> Scanned {
        if at(data, p) != b'"' {
            return Err(Stop::Syntax(p));
        }
        let end = self.string(data, p)?;
        let base = self.stack.last().map_or(0, |&base| base as usize);
        self.take_key(&data[p + 1..end - 1], base)?;
        self.colon(data, end)
    }

    /// Reads the string whose quote is at `p`; the position behind it. Half surrogate pairs and NUL are left.
    #[inline(always)]
    pub fn string(&mut self, data: &[u8], p: usize) -> Scanned {
        let end = special(data, p + 1);
        self.escaped = false;
        if at(data, end) == b'"' {
            return Ok(end + 1);
        }
        self.string_with_escapes(data, end)
    }

    #[inline(never)]
    fn string_with_escapes(&mut self, data: &[u8], mut p: usize) -> Scanned {
        let mut flawed = false;
        loop {
            p = special(data, p);
            match at(data, p) {
                b'"' => break,
                b'\\' => {}
                _ => return Err(Stop::Syntax(p)),
            }
            self.escaped = true;
            match at(data, p + 1) {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => p += 2,
                b'u' => {
                    let unit = hex(data, p + 2)?;
                    p += 6;
                    if (0xd800..0xdc00).contains(&unit) && at(data, p) == b'\\' && at(data, p + 1) == b'u' {
                        let low = hex(data, p + 2)?;
                        flawed |= !(0xdc00..0xe000).contains(&low);
                        p += 6;
                    } else {
                        flawed |= unit == 0 || (0xd800..0xe000).contains(&unit);
                    }
                }
                _ => return Err(Stop::Syntax(p + 1)),
            }
        }
        if flawed { Err(Stop::Leave) } else { Ok(p + 1) }
    }

    /// Reads the number that begins at `p`; the position behind it. One of more bytes than `digits` is left.
    #[inline]
    pub fn number(&self, data: &[u8], p: usize) -> Scanned {
        let end = number_end(data, p)?;
        if end - p > self.digits { Err(Stop::Leave) } else { Ok(end) }
    }

    /// The position of the first byte at or behind `p` that is not white space.
    #[inline(always)]
    pub fn space(&self, data: &[u8], mut p: usize) -> usize {
        while at(data, p) <= b' ' && (matches!(at(data, p), b' ' | b'\t' | b'\r') || at(data, p) == self.newline) {
            p += 1;
        }
        p
    }

    /// Reads white space, a colon and white space.
    #[inline(always)]
    pub fn colon(&self, data: &[u8], p: usize) -> Scanned {
        let p = self.space(data, p);
        if at(data, p) != b':' {
            return Err(Stop::Syntax(p));
        }
        Ok(self.space(data, p + 1))
    }
}
