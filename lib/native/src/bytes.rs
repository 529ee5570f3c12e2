//! Bytes of a record. A record is read in place: behind its end stands a byte that no JSON text can have there (a line's
//! end, or padding), which stops every scan, and then at least `PADDING` more, so that blocks may be read across its end.

/// Bytes that can be read behind any record's end.
pub const PADDING: usize = 64;

/// The byte at `p`, 0 behind all bytes: no JSON text has a NUL byte, so both stop a scan alike.
#[inline(always)]
pub fn at(data: &[u8], p: usize) -> u8 {
    if p < data.len() { data[p] } else { 0 }
}

/// The 16 bytes at `p`; None when there are fewer.
#[inline(always)]
pub fn block(data: &[u8], p: usize) -> Option<&[u8; 16]> {
    data.get(p..)?.first_chunk()
}

/// The eight bytes at `p`, the first one lowest; None when there are fewer.
#[inline(always)]
pub fn eight(data: &[u8], p: usize) -> Option<u64> {
    data.get(p..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The place of the first quote, backslash or control character in a block; 16 when there is none.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn special_in(block: &[u8; 16]) -> usize {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };
    // SAFETY: SSE2 is part of every x86-64, the load may be unaligned, and its 16 bytes are those of `block`.
    let found = unsafe {
        let block = _mm_loadu_si128(block.as_ptr().cast::<__m128i>());
        let quote = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'"' as i8));
        let escape = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
        _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, escape)))
    };
    (found | 0x1_0000).trailing_zeros() as usize
}

/// The place of the first quote, backslash or control character in a block; 16 when there is none.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn special_in(block: &[u8; 16]) -> usize {
    const fn repeat(byte: u8) -> u128 {
        u128::from_le_bytes([byte; 16])
    }
    // The high bit of bytes that are zero; the lowest one set is exact, which is all that is asked.
    const fn zero(bytes: u128) -> u128 {
        bytes.wrapping_sub(repeat(1)) & !bytes & repeat(0x80)
    }
    let block = u128::from_le_bytes(*block);
    let found = zero(block ^ repeat(b'"')) | zero(block ^ repeat(b'\\')) | zero(block & repeat(0xe0));
    found.trailing_zeros() as usize / 8
}

/// The position of the first quote, backslash or control character at or behind `p`; the length when there is none.
#[inline(always)]
pub fn special(data: &[u8], mut p: usize) -> usize {
    while let Some(block) = block(data, p) {
        let place = special_in(block);
        p += place;
        if place < 16 {
            return p;
        }
    }
    while p < data.len() && data[p] != b'"' && data[p] != b'\\' && data[p] >= 0x20 {
        p += 1;
    }
    p
}

/// How many digits eight bytes begin with, and the number that these spell.
#[inline(always)]
pub fn digits_in(bytes: u64) -> (usize, u64) {
    let values = bytes ^ 0x3030_3030_3030_3030;
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // The digits move to the upper bytes, behind zeros; then pairs, fours and all eight are added up.
    let values = values << (64 - 8 * count);
    let pairs = values.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    (count, fours.wrapping_mul(1 + (10_000 << 32)) >> 32)
}
