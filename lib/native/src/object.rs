//! The walk through an object of the contract: its keys, and what each asks to be done with its value.

use crate::bytes::at;
use crate::keys::Act;
use crate::outcome::{Flaw, Slot, Unknown};
use crate::record::Reader;
use crate::scan::{Scanned, Stop};

impl Reader<'_> {
    /// Reads the object at `p` whose keys the plan's node knows. Recursion is as deep as the contract's paths.
    pub fn object(&mut self, data: &[u8], p: usize, node: usize, outer: usize) -> Scanned {
        if outer >= self.scanner.depth {
            return Err(Stop::Deep(p));
        }
        let base = self.scanner.open_keys();
        let mut p = self.scanner.space(data, p + 1);
        if at(data, p) == b'}' {
            return Ok(p + 1);
        }
        let mut previous = 0;
        let mut number = self.keys.first[node] as usize;
        loop {
            if self.keys.words[number].begins(data, p) {
                p += self.keys.words[number].length;
            } else {
                let key;
                (number, key, p) = self.key(data, p, node, base)?;
                if number == 0 {
                    p = self.stranger(data, p, (node, key), outer + 1)?;
                    p = self.scanner.space(data, p);
                    match at(data, p) {
                        b',' => p = self.scanner.space(data, p + 1),
                        b'}' => break,
                        _ => return Err(Stop::Syntax(p)),
                    }
                    continue;
                }
                if previous == 0 {
                    self.keys.first[node] = number as u32;
                } else {
                    self.keys.words[previous].next = number as u32;
                }
            }
            let word = &mut self.keys.words[number];
            if word.seen == self.stamp {
                return Err(Stop::Leave);
            }
            word.seen = self.stamp;
            let (act, next) = (word.act, word.next as usize);
            p = if at(data, p) == b':' && at(data, p + 1) > b' ' { p + 1 } else { self.scanner.colon(data, p)? };
            p = self.act(data, p, act, number, outer + 1)?;
            previous = number;
            number = next;
            p = self.scanner.space(data, p);
            match at(data, p) {
                b',' => p = self.scanner.space(data, p + 1),
                b'}' => break,
                _ => return Err(Stop::Syntax(p)),
            }
        }
        self.scanner.close_keys(base)?;
        Ok(p + 1)
    }

    /// Reads the key at `p`, which is not the one expected: its number, itself, and the position behind it.
    #[inline(never)]
    fn key(&mut self, data: &[u8], p: usize, node: usize, base: usize) -> Result<(usize, Slot, usize), Stop> {
        if at(data, p) != b'"' {
            return Err(Stop::Syntax(p));
        }
        let end = self.scanner.string(data, p)?;
        let key = self.text(data, p + 1, end - 1);
        let text = match key {
            Slot::Spelled(start, end) => &self.spelled[start..end],
            _ => &data[p + 1..end - 1],
        };
        let number = self.keys.find(self.plan, node, text);
        if number == 0 {
            self.scanner.take_hash(self.keys.hash, base)?;
        }
        Ok((number, key, end))
    }

    /// Reads colon and value of a key that there was no room to learn.
    #[inline(never)]
    fn stranger(&mut self, data: &[u8], p: usize, (node, key): (usize, Slot), outer: usize) -> Scanned {
        let start = self.scanner.colon(data, p)?;
        let end = self.scanner.value(data, start, outer)?;
        if self.plan.nodes[node].collects {
            self.unknown.push(Unknown { number: 0, node, key, start, end });
        }
        Ok(end)
    }

    /// Reads the value at `start` and does with it what its key asks for; the position behind it.
    #[inline(always)]
    fn act(&mut self, data: &[u8], start: usize, act: Act, number: usize, outer: usize) -> Scanned {
        let quick = match act {
            Act::Enter(node) if at(data, start) == b'{' => return self.object(data, start, node as usize, outer),
            Act::Pass => return self.scanner.value(data, start, outer),
            Act::Collect => {
                let end = self.scanner.value(data, start, outer)?;
                self.unknown.push(Unknown { number, node: 0, key: Slot::Number(0), start, end });
                return Ok(end);
            }
            Act::Text(column) => self.quick_text(data, start, column as usize),
            Act::Look(column) => self.quick_look(data, start, column as usize),
            Act::Integer(column, bits) => self.quick_integer(data, start, column as usize, bits),
            Act::Double(column) => self.quick_double(data, start, column as usize),
            Act::Decimal(column) => self.quick_decimal(data, start, column as usize),
            Act::Time(column) => self.quick_time(data, start, column as usize),
            Act::Careful | Act::Enter(_) => None,
        };
        match quick {
            Some(end) => Ok(end),
            None => self.careful(data, start, number, outer),
        }
    }

    /// Reads the value of a key of the contract, step by step.
    #[inline(never)]
    fn careful(&mut self, data: &[u8], start: usize, number: usize, outer: usize) -> Scanned {
        let plan = self.plan;
        let (node, place) = plan.places[number - 1];
        let key = &plan.nodes[node].keys[place];
        let mark = at(data, start);
        let end = match key.child {
            Some(child) if mark == b'{' => self.object(data, start, child, outer)?,
            _ => self.scanner.value(data, start, outer)?,
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
        if plan.nodes[node].collects && !key.known {
            self.unknown.push(Unknown { number, node, key: Slot::Number(0), start, end });
        }
        Ok(end)
    }
}
