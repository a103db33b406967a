//! What comes from the core, as tuples for `plenum._loop`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use pythonize::pythonize;
use sfu_core::client::Incoming;

/// One thing that came.
pub(crate) fn report(py: Python<'_>, incoming: Incoming) -> PyResult<Bound<'_, PyTuple>> {
    let bytes = |payload: &[u8]| PyBytes::new(py, payload);
    match incoming {
        Incoming::Completion { request, result: Ok(answer) } => {
            let value = pythonize(py, &answer.value)?;
            let payload = answer.payload.as_deref().map(bytes);
            (0, request.0, value, payload).into_pyobject(py)
        }
        Incoming::Completion { request, result: Err(refused) } => {
            let kind = refused.kind();
            (1, request.0, kind.as_str(), kind.code(), refused.to_string()).into_pyobject(py)
        }
        Incoming::Event { event, payload } => {
            let event = pythonize(py, &event)?;
            (2, event, payload.as_deref().map(bytes)).into_pyobject(py)
        }
        Incoming::Rtp { router, consumer, packets } => {
            let packets = PyList::new(py, packets.iter().map(|packet| bytes(packet)))?;
            (3, router.to_string(), consumer.to_string(), packets).into_pyobject(py)
        }
        Incoming::Closed => (4,).into_pyobject(py),
    }
}

/// The exception for an error of the core. The classes are Python's, so that
/// they can be read, pickled and subclassed as any other.
pub(crate) fn error(py: Python<'_>, kind: &str, code: u32, message: &str) -> PyErr {
    let made = || py.import("plenum._errors")?.getattr("error_of")?.call1((kind, code, message));
    made().map_or_else(|failed| failed, PyErr::from_value)
}
