//! Python's buffers as the core's.

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

/// The buffers of an iterable, copied: the core keeps packets for longer than
/// the call, and must not wait for the interpreter to give them back.
pub(crate) fn payloads(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<Bytes>> {
    let mut all = Vec::with_capacity(iterable.len().unwrap_or(0));
    for (index, item) in iterable.try_iter()?.enumerate() {
        all.push(payload(index, &item?)?);
    }
    Ok(all)
}

fn payload(index: usize, item: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = item.cast::<PyBytes>() {
        return Ok(Bytes::copy_from_slice(bytes.as_bytes()));
    }
    if let Ok(array) = item.cast::<PyByteArray>() {
        return Ok(Bytes::from(array.to_vec()));
    }
    // The stable ABI of Python 3.10 has no buffers; a memoryview copies any.
    let refused = |_| {
        let kind = item.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "payload {index}: expected bytes, bytearray, memoryview or another buffer, not {kind}"
        ))
    };
    let view = PyMemoryView::from(item).map_err(refused)?;
    let bytes = view.call_method0("tobytes")?;
    Ok(Bytes::copy_from_slice(bytes.cast::<PyBytes>()?.as_bytes()))
}
