//! Hashes of keys. Keys of one hash are compared or left to the reference: no result depends on a hash.

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
pub fn hash(bytes: &[u8]) -> u64 {
    let size = bytes.len();
    let mut state = (size as u64).wrapping_mul(MIX);
    if size < 8 {
        return fold(state ^ short(bytes), MIX);
    }
    let mut p = 0;
    while p + 8 < size {
        state = fold(state ^ word(bytes, p), MIX);
        p += 8;
    }
    fold(state ^ word(bytes, size - 8), 0xd6e8_feb8_6659_fd93)
}

/// Fewer than eight bytes as a number, different for different ones of a length.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    let size = bytes.len();
    if size >= 4 {
        let (first, last) = (half(bytes, 0), half(bytes, size - 4));
        return u64::from(first) << 32 | u64::from(last);
    }
    if size == 0 {
        return 0;
    }
    u64::from(bytes[0]) << 16 | u64::from(bytes[size / 2]) << 8 | u64::from(bytes[size - 1])
}

#[inline(always)]
fn half(bytes: &[u8], p: usize) -> u32 {
    u32::from_le_bytes(bytes[p..p + 4].try_into().unwrap_or_default())
}

#[inline(always)]
fn word(bytes: &[u8], p: usize) -> u64 {
    u64::from_le_bytes(bytes[p..p + 8].try_into().unwrap_or_default())
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
