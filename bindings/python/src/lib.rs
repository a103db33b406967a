//! The native half of the Python package `plenum`: one class, which is a queue
//! of calls in and of answers and events out. Everything else is Python.
//!
//! No thread of the SFU ever waits for the interpreter, and nothing here knows
//! of event loops: Python takes what has come when the file descriptor says so.

mod client;
mod payload;
mod report;

use pyo3::prelude::*;
use sfu_core::ErrorKind;
use sfu_core::client::{EVENTS, METHODS};

/// The native half of the package `plenum`, not to be used directly.
#[pymodule(gil_used = false)]
mod _plenum {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::supported_rtp_capabilities;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::add_lists(module)
    }
}

/// What routers are able to route: mediasoup's `RtpCapabilities` without
/// payload types that are fixed.
#[pyfunction]
fn supported_rtp_capabilities(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(pythonize::pythonize(py, &sfu_core::client::supported_rtp_capabilities())?)
}

/// The names that the classes of the package are checked against.
fn add_lists(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let methods: Vec<_> =
        METHODS.iter().map(|method| (method.noun, method.name, method.summary)).collect();
    let kinds: Vec<_> = ErrorKind::ALL.iter().map(|kind| (kind.as_str(), kind.code())).collect();
    module.add("METHODS", methods)?;
    module.add("EVENTS", EVENTS.to_vec())?;
    module.add("ERROR_KINDS", kinds)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
