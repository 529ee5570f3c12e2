//! The census of unknown fields, and their text in `_extra`.

use std::collections::HashMap;

use crate::keys::Keys;
use crate::outcome::Unknown;
use crate::plan::Plan;
use crate::record::Reader;
use crate::rejects::push_segment;

/// How often an unknown field was met: pointer, JSON type, count, offset of the first record.
pub struct Met {
    pub pointer: String,
    pub kind: &'static str,
    pub count: u64,
    pub first: i64,
}

#[derive(Default)]
pub struct Census {
    /// In order of appearance.
    pub met: Vec<Met>,
    /// Places of the fields whose keys were not learned, by node, key and JSON type.
    strangers: HashMap<(usize, Vec<u8>, usize), usize>,
}

const KINDS: [&str; 6] = ["string", "object", "array", "boolean", "null", "number"];

impl Census {
    /// Counts the unknown fields of a good row.
    pub fn count(&mut self, reader: &mut Reader<'_>, raw: &[u8], offset: i64) {
        for index in 0..reader.unknown.len() {
            let field = reader.unknown[index];
            let kind = kind_of(raw[field.start]);
            let place = if field.number > 0 {
                reader.keys.words[field.number].met[kind] as usize
            } else {
                let key = (field.node, reader.bytes(raw, field.key).to_vec(), kind);
                *self.strangers.entry(key).or_insert(self.met.len() + 1)
            };
            match self.met.get_mut(place.wrapping_sub(1)) {
                Some(met) => met.count += 1,
                None => self.meet(reader, raw, &field, kind, offset),
            }
        }
    }

    fn meet(&mut self, reader: &mut Reader<'_>, raw: &[u8], field: &Unknown, kind: usize, offset: i64) {
        let (node, key) = reader.key_of(raw, field);
        let mut pointer = reader.plan.nodes[node].pointer.clone();
        push_segment(&mut pointer, key);
        self.met.push(Met { pointer, kind: KINDS[kind], count: 1, first: offset });
        let Keys { words, .. } = &mut reader.keys;
        words[field.number].met[kind] = if field.number > 0 { self.met.len() as u32 } else { 0 };
    }
}

fn kind_of(first: u8) -> usize {
    match first {
        b'"' => 0,
        b'{' => 1,
        b'[' => 2,
        b't' | b'f' => 3,
        b'n' => 4,
        _ => 5,
    }
}

/// Appends the text of a row's `_extra`.
pub fn write_extra(out: &mut Vec<u8>, raw: &[u8], reader: &Reader<'_>) {
    let mut mark = b'{';
    for field in &reader.unknown {
        out.push(mark);
        if field.number > 0 {
            out.extend_from_slice(&reader.keys.words[field.number].extra);
        } else {
            write_pointer(out, reader.plan, field.node, reader.bytes(raw, field.key));
        }
        out.extend_from_slice(&raw[field.start..field.end]);
        mark = b',';
    }
    out.push(b'}');
}

/// Appends a field's pointer as a key of `_extra`, with its colon.
pub fn write_pointer(out: &mut Vec<u8>, plan: &Plan, node: usize, key: &[u8]) {
    out.push(b'"');
    push_escaped(out, plan.nodes[node].pointer.as_bytes());
    out.push(b'/');
    for &byte in key {
        match byte {
            b'~' => out.extend_from_slice(b"~0"),
            b'/' => out.extend_from_slice(b"~1"),
            byte => push_escaped(out, &[byte]),
        }
    }
    out.extend_from_slice(b"\":");
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
