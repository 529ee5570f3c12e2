//! The hand-over of columns by Arrow's C data interface (release call-backs own the buffers).

use std::ffi::{CStr, c_void};
use std::ptr;

use crate::column::{Column, Values};

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
        let children = columns.into_iter().map(|column| Box::into_raw(Box::new(export(column)))).collect();
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

fn export(column: Column) -> FfiArray {
    let held = Held { column: Some(column), buffers: [ptr::null(); 3], children: Vec::new() };
    let mut held = Box::new(held);
    let (mut length, mut nulls, mut count) = (0, 0, 2);
    if let Some(column) = &held.column {
        (length, nulls) = (column.rows as i64, column.nulls as i64);
        if column.nulls > 0 {
            held.buffers[0] = column.validity.as_ptr().cast();
        }
        held.buffers[1] = match &column.values {
            Values::None => ptr::null(),
            Values::Bits(values) => values.as_ptr().cast(),
            Values::Int16(values) => values.as_ptr().cast(),
            Values::Int32(values) => values.as_ptr().cast(),
            Values::Int64(values) => values.as_ptr().cast(),
            Values::Float64(values) => values.as_ptr().cast(),
            Values::Decimal(values) => values.as_ptr().cast(),
            Values::Text { ends, bytes } => {
                count = 3;
                held.buffers[2] = bytes.as_ptr().cast();
                ends.as_ptr().cast()
            }
        };
    }
    FfiArray::of(held, length, nulls, count)
}

/// The name that a capsule with an array must have.
pub const CAPSULE: &CStr = c"arrow_array";
