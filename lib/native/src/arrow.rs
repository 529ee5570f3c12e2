//! Columns being built, and their hand-over by Arrow's C data interface (release call-backs own the buffers).

use std::ffi::{CStr, c_void};
use std::ptr;

/// The values of one column so far.
pub enum Values {
    Bits(Vec<u8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Decimal(Vec<i128>),
    Text(Vec<i32>, Vec<u8>),
}

pub struct Column {
    pub values: Values,
    validity: Vec<u8>,
    nulls: usize,
    length: usize,
}

impl Column {
    pub fn new(values: Values) -> Self {
        Self { values, validity: Vec::new(), nulls: 0, length: 0 }
    }

    pub fn text() -> Self {
        Self::new(Values::Text(vec![0], Vec::new()))
    }

    /// The validity bits begin with the first null: most columns have none.
    #[inline(always)]
    fn mark(&mut self, valid: bool) {
        if !valid || self.nulls > 0 {
            self.mark_bit(valid);
        }
        self.length += 1;
    }

    fn mark_bit(&mut self, valid: bool) {
        if self.nulls == 0 {
            self.validity = vec![0xff; self.length / 8];
            if !self.length.is_multiple_of(8) {
                self.validity.push((1 << (self.length % 8)) - 1);
            }
        }
        push_bit(&mut self.validity, self.length, valid);
        self.nulls += usize::from(!valid);
    }

    /// How many values there are, and bytes of text.
    pub fn size(&self) -> (usize, usize) {
        match &self.values {
            Values::Text(_, bytes) => (self.length, bytes.len()),
            _ => (self.length, 0),
        }
    }

    /// Makes room for a column of some size.
    pub fn reserve(&mut self, (rows, text): (usize, usize)) {
        match &mut self.values {
            Values::Bits(bits) => bits.reserve(rows / 8),
            Values::Int16(values) => values.reserve(rows),
            Values::Int32(values) => values.reserve(rows),
            Values::Int64(values) => values.reserve(rows),
            Values::Float64(values) => values.reserve(rows),
            Values::Decimal(values) => values.reserve(rows),
            Values::Text(ends, bytes) => {
                ends.reserve(rows);
                bytes.reserve(text);
            }
        }
    }

    #[inline]
    pub fn null(&mut self) {
        match &mut self.values {
            Values::Bits(bits) => push_bit(bits, self.length, false),
            Values::Int16(values) => values.push(0),
            Values::Int32(values) => values.push(0),
            Values::Int64(values) => values.push(0),
            Values::Float64(values) => values.push(0.0),
            Values::Decimal(values) => values.push(0),
            Values::Text(ends, bytes) => ends.push(bytes.len() as i32),
        }
        self.mark(false);
    }

    /// Appends a whole number, or a boolean as 0 or 1, to a column of any such type.
    #[inline]
    pub fn number(&mut self, value: i64) {
        match &mut self.values {
            Values::Bits(bits) => push_bit(bits, self.length, value != 0),
            Values::Int16(values) => values.push(value as i16),
            Values::Int32(values) => values.push(value as i32),
            Values::Int64(values) => values.push(value),
            Values::Float64(values) => values.push(f64::from_bits(value as u64)),
            Values::Decimal(values) => values.push(i128::from(value)),
            Values::Text(ends, bytes) => ends.push(bytes.len() as i32),
        }
        self.mark(true);
    }

    #[inline]
    pub fn decimal(&mut self, value: i128) {
        if let Values::Decimal(values) = &mut self.values {
            values.push(value);
        }
        self.mark(true);
    }

    #[inline]
    pub fn bytes(&mut self, value: &[u8]) {
        if let Values::Text(ends, bytes) = &mut self.values {
            bytes.extend_from_slice(value);
            ends.push(bytes.len() as i32);
        }
        self.mark(true);
    }

    /// Appends the bytes of `source` from `start` to `end`.
    #[inline]
    pub fn range(&mut self, source: &[u8], start: usize, end: usize) {
        let size = end - start;
        if let Values::Text(ends, bytes) = &mut self.values {
            let whole = source.get(start..).unwrap_or_default();
            if size <= 32 && whole.len() >= 32 {
                push_start::<32>(bytes, whole, size);
            } else if size <= 64 && whole.len() >= 64 {
                push_start::<64>(bytes, whole, size);
            } else {
                bytes.extend_from_slice(&source[start..end]);
            }
            ends.push(bytes.len() as i32);
        }
        self.mark(true);
    }

    /// The bytes of a text column, to which a caller appends one value before `end_text`.
    pub fn open_text(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.values {
            Values::Text(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn end_text(&mut self) {
        self.bytes(b"");
    }

    fn export(self) -> FfiArray {
        let held = Held { column: Some(self), buffers: [ptr::null(); 3], children: Vec::new() };
        let mut held = Box::new(held);
        let (mut length, mut nulls, mut count) = (0, 0, 2);
        if let Some(column) = &held.column {
            (length, nulls) = (column.length as i64, column.nulls as i64);
            if column.nulls > 0 {
                held.buffers[0] = column.validity.as_ptr().cast();
            }
            held.buffers[1] = match &column.values {
                Values::Bits(values) => values.as_ptr().cast(),
                Values::Int16(values) => values.as_ptr().cast(),
                Values::Int32(values) => values.as_ptr().cast(),
                Values::Int64(values) => values.as_ptr().cast(),
                Values::Float64(values) => values.as_ptr().cast(),
                Values::Decimal(values) => values.as_ptr().cast(),
                Values::Text(ends, bytes) => {
                    count = 3;
                    held.buffers[2] = bytes.as_ptr().cast();
                    ends.as_ptr().cast()
                }
            };
        }
        FfiArray::of(held, length, nulls, count)
    }
}

/// Appends the first `size` bytes of `source`, by a copy of `N` bytes that needs no call.
#[inline(always)]
fn push_start<const N: usize>(bytes: &mut Vec<u8>, source: &[u8], size: usize) {
    assert!(size <= N && N <= source.len());
    bytes.reserve(N);
    // SAFETY: N bytes are readable in `source` and, after `reserve`, writable behind the content; `size` of them are kept.
    unsafe {
        std::ptr::copy_nonoverlapping(source.as_ptr(), bytes.as_mut_ptr().add(bytes.len()), N);
        bytes.set_len(bytes.len() + size);
    }
}

#[inline]
fn push_bit(bits: &mut Vec<u8>, index: usize, value: bool) {
    if index.is_multiple_of(8) {
        bits.push(u8::from(value));
    } else if let Some(last) = bits.last_mut() {
        *last |= u8::from(value) << (index % 8);
    }
}

/// What an exported array owns until its consumer releases it.
struct Held {
    column: Option<Column>,
    buffers: [*const c_void; 3],
    children: Vec<*mut FfiArray>,
}

/// `struct ArrowArray` of Arrow's C data interface.
#[repr(C)]
pub struct FfiArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *mut *mut FfiArray,
    dictionary: *mut FfiArray,
    release: Option<unsafe extern "C" fn(*mut FfiArray)>,
    private_data: *mut c_void,
}

impl FfiArray {
    fn of(held: Box<Held>, length: i64, null_count: i64, n_buffers: i64) -> Self {
        let held = Box::into_raw(held);
        // SAFETY: `held` was just made by Box::into_raw and is freed by `release` alone.
        let (buffers, children, n_children) = unsafe {
            ((&raw const (*held).buffers).cast(), (*held).children.as_mut_ptr(), (*held).children.len() as i64)
        };
        Self {
            length,
            null_count,
            offset: 0,
            n_buffers,
            n_children,
            buffers,
            children,
            dictionary: ptr::null_mut(),
            release: Some(release),
            private_data: held.cast(),
        }
    }

    /// A struct array, which is how a record batch crosses, of columns of `length` rows.
    pub fn batch(columns: Vec<Column>, length: usize) -> Self {
        let children = columns.into_iter().map(|column| Box::into_raw(Box::new(column.export()))).collect();
        Self::of(Box::new(Held { column: None, buffers: [ptr::null(); 3], children }), length as i64, 0, 1)
    }
}

impl Drop for FfiArray {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: whoever moves an array elsewhere sets `release` to null, so this array still owns its content.
            unsafe { release(self) };
        }
    }
}

// SAFETY: the buffers behind the pointers are owned by the array and not written after its making.
unsafe impl Send for FfiArray {}

unsafe extern "C" fn release(array: *mut FfiArray) {
    // SAFETY: the interface calls this once per array, with the pointers that `FfiArray::of` put there; children whose
    // content was moved out have no release call-back any more and drop as empty shells.
    unsafe {
        let held = Box::from_raw((*array).private_data.cast::<Held>());
        for &child in &held.children {
            drop(Box::from_raw(child));
        }
        (*array).release = None;
        drop(held.column);
    }
}

/// The name that a capsule with an array must have.
pub const CAPSULE: &CStr = c"arrow_array";
