//! What JSON's escapes spell.

use crate::bytes::at;
use crate::scan::Stop;

/// The number that the four hexadecimal digits at `p` spell.
pub fn hex(data: &[u8], p: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for index in p..p + 4 {
        match (at(data, index) as char).to_digit(16) {
            Some(digit) => unit = unit * 16 + digit,
            None => return Err(Stop::Syntax(index)),
        }
    }
    Ok(unit)
}

/// Appends what a scanned string's source text spells.
pub fn unescape(source: &[u8], out: &mut Vec<u8>) {
    let mut p = 0;
    while let Some(run) = source[p..].iter().position(|&byte| byte == b'\\') {
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
