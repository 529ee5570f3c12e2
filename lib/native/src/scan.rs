//! The strict JSON scanner: RFC 8259 over one record's bytes, which are known to be UTF-8.
//!
//! Positions count bytes from the record's first. Nothing here recurses: open containers are on a stack of their own.

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
    /// Hashes of the keys of all open objects, outermost first.
    keys: Vec<u64>,
    stack: Vec<u32>,
    text: Vec<u8>,
}

impl Scanner {
    pub fn new(depth: usize, digits: usize) -> Self {
        Self { depth, digits, escaped: false, keys: Vec::new(), stack: Vec::new(), text: Vec::new() }
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
    pub fn take_key(&mut self, source: &[u8], base: usize) -> Result<(), Stop> {
        let hash = if self.escaped {
            self.text.clear();
            unescape(source, &mut self.text);
            hash(&self.text)
        } else {
            hash(source)
        };
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
                p = space(data, p + 1);
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
            p = space(data, p);
            let mark = at(data, p);
            if mark == b',' {
                p = space(data, p + 1);
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
        colon(data, end)
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
}

/// The byte at `p`, 0 behind the end: no JSON text has a NUL byte, so both stop a scan alike.
#[inline(always)]
pub fn at(data: &[u8], p: usize) -> u8 {
    if p < data.len() { data[p] } else { 0 }
}

/// The position of the first byte at or behind `p` that is not white space.
#[inline(always)]
pub fn space(data: &[u8], mut p: usize) -> usize {
    while p < data.len() && data[p] <= b' ' && matches!(data[p], b' ' | b'\t' | b'\n' | b'\r') {
        p += 1;
    }
    p
}

/// Whether `word` stands at `p`; no call of the C library, which costs more than a key's few bytes. Never for no word.
#[inline(always)]
pub fn begins(data: &[u8], p: usize, word: &[u8]) -> bool {
    let size = word.len();
    let Some(here) = data.get(p..p + size) else {
        return false;
    };
    if size < 8 {
        return size > 0 && here.iter().zip(word).all(|(a, b)| a == b);
    }
    let mut done = 0;
    while done + 8 <= size {
        if eight(here, done) != eight(word, done) {
            return false;
        }
        done += 8;
    }
    eight(here, size - 8) == eight(word, size - 8)
}

#[inline(always)]
fn eight(bytes: &[u8], p: usize) -> u64 {
    u64::from_le_bytes(bytes[p..p + 8].try_into().unwrap_or_default())
}

/// Reads white space, a colon and white space.
#[inline(always)]
pub fn colon(data: &[u8], p: usize) -> Scanned {
    let p = space(data, p);
    if at(data, p) != b':' {
        return Err(Stop::Syntax(p));
    }
    Ok(space(data, p + 1))
}

#[inline]
fn literal(data: &[u8], p: usize, word: &[u8]) -> Scanned {
    if data[p..].starts_with(word) {
        return Ok(p + word.len());
    }
    let same = word.iter().zip(&data[p..]).take_while(|(a, b)| a == b).count();
    Err(Stop::Syntax(p + same))
}

fn hex(data: &[u8], p: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for index in p..p + 4 {
        match (at(data, index) as char).to_digit(16) {
            Some(digit) => unit = unit * 16 + digit,
            None => return Err(Stop::Syntax(index)),
        }
    }
    Ok(unit)
}

#[inline(always)]
fn digits_end(data: &[u8], mut p: usize) -> usize {
    while p < data.len() && data[p].is_ascii_digit() {
        p += 1;
    }
    p
}

/// Where the JSON number ends that begins at `p`.
#[inline]
pub fn number_end(data: &[u8], mut p: usize) -> Scanned {
    if at(data, p) == b'-' {
        p += 1;
    }
    let whole = p;
    p = if at(data, p) == b'0' { p + 1 } else { digits_end(data, p) };
    if p == whole {
        return Err(Stop::Syntax(p));
    }
    if at(data, p) == b'.' {
        let fraction = p + 1;
        p = digits_end(data, fraction);
        if p == fraction {
            return Err(Stop::Syntax(p));
        }
    }
    if matches!(at(data, p), b'e' | b'E') {
        p += 1;
        if matches!(at(data, p), b'+' | b'-') {
            p += 1;
        }
        let exponent = p;
        p = digits_end(data, exponent);
        if p == exponent {
            return Err(Stop::Syntax(p));
        }
    }
    Ok(p)
}

/// The position of the first quote, backslash or control character at or behind `p`; the length when there is none.
#[inline(always)]
fn special(data: &[u8], mut p: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    while p + 16 <= data.len() {
        use core::arch::x86_64::{
            __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
        };
        // SAFETY: SSE2 is part of every x86-64, the load may be unaligned, and its 16 bytes lie inside `data`.
        let found = unsafe {
            let block = _mm_loadu_si128(data.as_ptr().add(p).cast::<__m128i>());
            let quote = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'"' as i8));
            let escape = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'\\' as i8));
            let control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
            _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, escape)))
        };
        if found != 0 {
            return p + found.trailing_zeros() as usize;
        }
        p += 16;
    }
    #[cfg(not(target_arch = "x86_64"))]
    while p + 8 <= data.len() {
        let block = u64::from_le_bytes(data[p..p + 8].try_into().unwrap_or_default());
        let found =
            zero_bytes(block ^ repeat(b'"')) | zero_bytes(block ^ repeat(b'\\')) | zero_bytes(block & repeat(0xe0));
        if found != 0 {
            return p + found.trailing_zeros() as usize / 8;
        }
        p += 8;
    }
    while p < data.len() && data[p] != b'"' && data[p] != b'\\' && data[p] >= 0x20 {
        p += 1;
    }
    p
}

#[cfg(not(target_arch = "x86_64"))]
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of bytes that are zero; the lowest one set is exact, which is all that is asked.
#[cfg(not(target_arch = "x86_64"))]
const fn zero_bytes(block: u64) -> u64 {
    block.wrapping_sub(repeat(1)) & !block & repeat(0x80)
}

/// Appends what a scanned string's source text spells.
pub fn unescape(source: &[u8], out: &mut Vec<u8>) {
    let mut p = 0;
    while let Some(run) = memchr::memchr(b'\\', &source[p..]) {
        out.extend_from_slice(&source[p..p + run]);
        p += run;
        let letter = source[p + 1];
        p += 2;
        let plain = match letter {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = unit_at(source, p);
                p += 4;
                if (0xd800..0xdc00).contains(&unit) {
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (unit_at(source, p + 2).wrapping_sub(0xdc00) & 0x3ff);
                    p += 6;
                }
                let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => other,
        };
        out.push(plain);
    }
    out.extend_from_slice(&source[p..]);
}

fn unit_at(source: &[u8], p: usize) -> u32 {
    hex(source, p).unwrap_or(0)
}

/// A hash of a key; only equal hashes of unequal keys cost anything, and no result.
#[inline]
pub fn hash(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = (bytes.len() as u64).wrapping_mul(MIX);
    let mut blocks = bytes.chunks_exact(8);
    for block in &mut blocks {
        state = fold(state ^ u64::from_le_bytes(block.try_into().unwrap_or_default()), MIX);
    }
    let mut last = 0_u64;
    for &byte in blocks.remainder() {
        last = last << 8 | u64::from(byte);
    }
    fold(state ^ last, 0xd6e8_feb8_6659_fd93)
}

/// Hashes keys in maps, whose own hash is made against attackers that a contract's keys are not.
#[derive(Default)]
pub struct KeyHasher(u64);

pub type KeyMap<K, V> = std::collections::HashMap<K, V, std::hash::BuildHasherDefault<KeyHasher>>;

impl std::hash::Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes) ^ self.0.rotate_left(7);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
