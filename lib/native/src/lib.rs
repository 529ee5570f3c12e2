//! The native decoder of lakemart: what the reference decoder gives, bit for bit, at the speed of the machine.
//!
//! A record that it is not sure about is handed back, to be decoded by the reference.

mod arrow;
mod chunk;
mod number;
mod plan;
mod record;
mod rejects;
mod scan;
mod time;
mod typed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use crate::arrow::{CAPSULE, Column, FfiArray};
use crate::plan::{FeedSpec, Plan};

// Chunks' columns come and go by the megabyte: the system's allocator gives their pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A feed made ready; it may be used by several threads at once.
#[pyclass(frozen)]
struct Decoder {
    plan: Plan,
    /// Rows and bytes of the columns of the last chunk: the next one will be alike.
    sizes: Mutex<Vec<(usize, usize)>>,
}

#[pymethods]
impl Decoder {
    #[new]
    fn new(feed: FeedSpec) -> Self {
        Self { plan: Plan::new(feed), sizes: Mutex::default() }
    }

    /// Where the next chunk of lines ends in `data`, None when it goes on behind it.
    fn cut(&self, py: Python<'_>, data: &[u8], bom: bool) -> Option<usize> {
        py.detach(|| chunk::cut(data, bom, self.plan.feed.chunk_bytes))
    }

    /// Decodes lines; raises RuntimeError when the decoder itself failed, which says nothing about the data.
    /// The records at the offsets in `refused` (in order) are left to the reference.
    fn lines<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        offset: i64,
        record: i64,
        refused: Vec<i64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let decoded = py.detach(|| catch_unwind(AssertUnwindSafe(|| self.decoded(data, offset, record, &refused))));
        given(py, decoded.map_err(|_| PyRuntimeError::new_err("the native decoder failed"))?)
    }
}

impl Decoder {
    fn decoded(&self, data: &[u8], offset: i64, record: i64, refused: &[i64]) -> chunk::Decoded {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let decoded = chunk::Chunk::new(&self.plan, refused, &sizes).lines(data, offset, record);
        let sizes = decoded.columns.iter().map(Column::size).collect();
        *self.sizes.lock().unwrap_or_else(PoisonError::into_inner) = sizes;
        decoded
    }
}

fn given(py: Python<'_>, decoded: chunk::Decoded) -> PyResult<Bound<'_, PyDict>> {
    let census: Vec<_> = decoded.census.into_iter().map(|met| (met.first, met.pointer, met.kind, met.count)).collect();
    let result = PyDict::new(py);
    result.set_item("rows", capsule(py, decoded.columns, decoded.good)?)?;
    result.set_item("good", decoded.good)?;
    result.set_item("quarantined", decoded.rejects.count)?;
    result.set_item("rejects", capsule(py, decoded.rejects.columns, decoded.rejects.count)?)?;
    result.set_item("left", decoded.left)?;
    result.set_item("filtered", decoded.filtered)?;
    result.set_item("blank", decoded.blank)?;
    result.set_item("records", decoded.records)?;
    result.set_item("census", census)?;
    Ok(result)
}

/// Columns as an `arrow_array` capsule of the Arrow PyCapsule interface; the array frees itself when nobody takes it.
fn capsule(py: Python<'_>, columns: Vec<Column>, length: usize) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new(py, FfiArray::batch(columns, length), Some(CAPSULE.to_owned()))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Decoder>()
}
