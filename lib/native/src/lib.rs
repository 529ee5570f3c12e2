//! The native decoder of lakemart: what the reference decoder gives, bit for bit, at the speed of the machine.
//!
//! A record that it is not sure about is handed back, to be decoded by the reference.

mod bytes;
mod census;
mod chunk;
mod column;
mod escape;
mod ffi;
mod hash;
mod keys;
mod lines;
mod number;
mod object;
mod outcome;
mod plan;
mod quick;
mod record;
mod rejects;
mod rows;
mod scan;
mod time;
mod token;
mod typed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict};

use crate::column::Column;
use crate::ffi::{CAPSULE, FfiArray};
use crate::lines::{Line, Lines, Measure};
use crate::plan::{FeedSpec, Plan};

// Chunks' columns come and go by the megabyte: the system's allocator gives their pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A feed made ready; it may be used by several threads at once.
#[pyclass(frozen)]
struct Decoder {
    plan: Arc<Plan>,
}

#[pymethods]
impl Decoder {
    #[new]
    fn new(feed: FeedSpec) -> Self {
        Self { plan: Arc::new(Plan::new(feed)) }
    }

    /// The lines of one object, or of a part that begins on a line's first byte at `offset`.
    fn lines(&self, offset: i64) -> Object {
        let feed = &self.plan.feed;
        let measure = Measure { chunk_bytes: feed.chunk_bytes, record_bytes: feed.record_bytes };
        Object { plan: Arc::clone(&self.plan), lines: Lines::new(measure, offset), sizes: Vec::new() }
    }
}

/// A line's offset, length and bytes.
type Raw<'py> = (i64, usize, Option<Bound<'py, PyBytes>>);

/// One object's lines on their way: `take`, `gather` until it says no, for every chunk `decode`.
#[pyclass]
struct Object {
    plan: Arc<Plan>,
    lines: Lines,
    /// Bytes of text in the columns of the last chunk: the next one will be alike.
    sizes: Vec<usize>,
}

#[pymethods]
impl Object {
    /// Takes bytes of `block` from `start` on; how many.
    fn take(&mut self, py: Python<'_>, block: &[u8], start: usize) -> usize {
        py.detach(|| self.lines.take(block.get(start..).unwrap_or_default()))
    }

    /// Whether a chunk is complete; `last` says that no bytes will follow, and then there is one, if only an empty one.
    fn gather(&mut self, py: Python<'_>, last: bool) -> bool {
        py.detach(|| self.lines.gather(last))
    }

    /// Takes records in place of lines, as a chunk: offset, how many records before it were not given, and bytes of each.
    fn put(&mut self, records: Vec<(i64, i64, Bound<'_, PyBytes>)>) {
        self.lines.clear();
        for (offset, skipped, raw) in records {
            self.lines.put(raw.as_bytes(), offset, skipped);
        }
    }

    /// Decodes the chunk; raises RuntimeError when the decoder itself failed, which says nothing about the data.
    /// `record` is the number of its first record; records at the offsets in `refused` (in order) are left.
    fn decode<'py>(&mut self, py: Python<'py>, record: i64, refused: Vec<i64>) -> PyResult<Bound<'py, PyDict>> {
        let decoded = py.detach(|| catch_unwind(AssertUnwindSafe(|| self.decoded(record, &refused))));
        self.given(py, decoded.map_err(|_| PyRuntimeError::new_err("the native decoder failed"))?)
    }

    /// Offset, length and bytes (None when they are too many) of the chunk's lines, less the empty ones, and their number.
    fn raw<'py>(&self, py: Python<'py>) -> (Vec<Raw<'py>>, u64) {
        let data = self.lines.bytes();
        let bytes = |line: &Line| (line.dropped == 0).then(|| PyBytes::new(py, &data[line.start..line.end]));
        (self.lines.lines.iter().map(|line| (line.offset, line.length(), bytes(line))).collect(), self.lines.blank)
    }
}

impl Object {
    fn decoded(&mut self, record: i64, refused: &[i64]) -> chunk::Decoded {
        let mut decoded = chunk::Chunk::new(&self.plan, &self.lines, refused, &self.sizes).decode(&self.lines, record);
        self.sizes = std::mem::take(&mut decoded.sizes);
        decoded
    }

    fn given<'py>(&self, py: Python<'py>, decoded: chunk::Decoded) -> PyResult<Bound<'py, PyDict>> {
        let data = self.lines.bytes();
        let census: Vec<_> =
            decoded.census.into_iter().map(|met| (met.first, met.pointer, met.kind, met.count)).collect();
        let left = decoded.left.into_iter();
        let left: Vec<_> =
            left.map(|(n, offset, start, end)| (n, offset, PyBytes::new(py, &data[start..end]))).collect();
        let result = PyDict::new(py);
        result.set_item("rows", capsule(py, decoded.columns, decoded.good)?)?;
        result.set_item("good", decoded.good)?;
        result.set_item("rejects", capsule(py, decoded.rejects, decoded.quarantined)?)?;
        result.set_item("quarantined", decoded.quarantined)?;
        result.set_item("left", left)?;
        result.set_item("filtered", decoded.filtered)?;
        result.set_item("blank", decoded.blank)?;
        result.set_item("records", decoded.records)?;
        result.set_item("census", census)?;
        Ok(result)
    }
}

/// Columns as an `arrow_array` capsule of the Arrow PyCapsule interface; the array frees itself when nobody takes it.
fn capsule(py: Python<'_>, columns: Vec<Column>, length: usize) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new(py, FfiArray::batch(columns, length), Some(CAPSULE.to_owned()))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Decoder>()
}
