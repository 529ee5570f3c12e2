//! One column being built. Its room for rows is made at the start; a row is written before it is known to stay, and the
//! next one is written over it when it does not.

use crate::bytes::{block, special_in};

/// The values of a column, one for every row there is room for.
pub enum Values {
    /// Nobody wants them.
    None,
    Bits(Vec<u8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Decimal(Vec<i128>),
    /// `ends` has one more than there are rows; `bytes` is as long as there is room.
    Text {
        ends: Vec<i32>,
        bytes: Vec<u8>,
    },
}

pub struct Column {
    pub values: Values,
    /// A bit for every row there is room for, once one is null.
    pub validity: Vec<u8>,
    pub nulls: usize,
    /// Rows there is room for; in the end the rows there are.
    pub rows: usize,
}

impl Column {
    pub fn new(values: Values, rows: usize) -> Self {
        Self { values, validity: Vec::new(), nulls: 0, rows }
    }

    /// A column of texts, with room for so many bytes of them.
    pub fn text(rows: usize, bytes: usize) -> Self {
        Self::new(Values::Text { ends: vec![0; rows + 1], bytes: vec![0; bytes] }, rows)
    }

    pub fn int64(rows: usize) -> Self {
        Self::new(Values::Int64(vec![0; rows]), rows)
    }

    pub fn null(&mut self, row: usize) {
        if self.nulls == 0 {
            self.validity = vec![0xff; self.rows.div_ceil(8)];
        }
        self.validity[row / 8] &= !(1 << (row % 8));
        self.nulls += 1;
        self.number(row, 0);
    }

    /// Writes a whole number, the bits of a double, or a boolean as 0 or 1, to a column of any such type.
    #[inline]
    pub fn number(&mut self, row: usize, value: i64) {
        match &mut self.values {
            Values::None => {}
            Values::Bits(bits) => bits[row / 8] = bits[row / 8] & !(1 << (row % 8)) | u8::from(value != 0) << (row % 8),
            Values::Int16(values) => values[row] = value as i16,
            Values::Int32(values) => values[row] = value as i32,
            Values::Int64(values) => values[row] = value,
            Values::Float64(values) => values[row] = f64::from_bits(value as u64),
            Values::Decimal(values) => values[row] = i128::from(value),
            Values::Text { ends, .. } => ends[row + 1] = ends[row],
        }
    }

    #[inline]
    pub fn decimal(&mut self, row: usize, value: i128) {
        if let Values::Decimal(values) = &mut self.values {
            values[row] = value;
        }
    }

    pub fn bytes(&mut self, row: usize, value: &[u8]) {
        if let Values::Text { ends, bytes } = &mut self.values {
            let tail = ends[row] as usize;
            let end = tail + value.len();
            grow(bytes, end);
            bytes[tail..end].copy_from_slice(value);
            ends[row + 1] = end as i32;
        }
    }

    /// Writes the text that a quote ends, from `p` on; the quote's position. None when something else comes before it.
    #[inline(always)]
    pub fn quoted(&mut self, row: usize, data: &[u8], mut p: usize) -> Option<usize> {
        let Values::Text { ends, bytes } = &mut self.values else {
            return None;
        };
        let mut tail = ends[row] as usize;
        loop {
            let block = block(data, p)?;
            if bytes.len() < tail + 16 {
                grow(bytes, tail + 16);
            }
            bytes[tail..tail + 16].copy_from_slice(block);
            let place = special_in(block);
            if place < 16 {
                ends[row + 1] = (tail + place) as i32;
                return (block[place] == b'"').then_some(p + place);
            }
            p += 16;
            tail += 16;
        }
    }

    /// The whole number of a row.
    pub fn whole(&self, row: usize) -> i64 {
        match &self.values {
            Values::Int64(values) => values[row],
            _ => 0,
        }
    }

    /// Bytes of text in the first rows.
    pub fn text_size(&self, rows: usize) -> usize {
        match &self.values {
            Values::Text { ends, .. } => ends[rows] as usize,
            _ => 0,
        }
    }

    /// The column of its first rows alone.
    pub fn ended(mut self, rows: usize) -> Self {
        match &mut self.values {
            Values::None => {}
            Values::Bits(bits) => bits.truncate(rows.div_ceil(8)),
            Values::Int16(values) => values.truncate(rows),
            Values::Int32(values) => values.truncate(rows),
            Values::Int64(values) => values.truncate(rows),
            Values::Float64(values) => values.truncate(rows),
            Values::Decimal(values) => values.truncate(rows),
            Values::Text { ends, bytes } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends[rows] as usize);
            }
        }
        self.rows = rows;
        self
    }
}

/// Makes room for so many bytes.
#[inline]
fn grow(bytes: &mut Vec<u8>, size: usize) {
    if bytes.len() < size {
        widen(bytes, size);
    }
}

#[cold]
fn widen(bytes: &mut Vec<u8>, size: usize) {
    bytes.resize((bytes.len() * 2).max(size).max(1024), 0);
}
