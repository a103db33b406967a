//! `_plenum.Client`: calls in, answers and events out.

use std::process;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use serde_json::Value;
use sfu_core::client::{self as core, Call, ClientOptions};

use crate::payload::payloads;
use crate::report::{error, report};

/// A running SFU: the queue that leads to it, and the queue that comes from it.
///
/// `Client(options)` starts it; `options` is a dict. Methods may be called from
/// any thread, but only in the process that made it.
#[pyclass(frozen, module = "plenum._plenum")]
pub(crate) struct Client {
    /// None only while it is dropped.
    inner: Option<core::Client>,
    /// A child of `fork` has this memory but not the threads behind it: a lock
    /// that one of them held would never be released.
    pid: u32,
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyAny>) -> PyResult<Self> {
        let options: Value = json("options", options)?;
        let options = ClientOptions::from_value(options).map_err(|refused| {
            error(py, refused.kind().as_str(), refused.code(), &refused.to_string())
        })?;
        let started = py.detach(|| core::Client::start(options));
        match started {
            Ok(inner) => Ok(Self { inner: Some(inner), pid: process::id() }),
            Err(refused) => {
                let kind = refused.kind();
                Err(error(py, kind.as_str(), kind.code(), &refused.to_string()))
            }
        }
    }

    /// Puts a call into the queue and gives its number, which the completion
    /// carries. A call that is wrong completes with an error.
    #[pyo3(signature = (method, target, parameters, payload=None))]
    fn submit(
        &self,
        method: &str,
        target: u64,
        parameters: &Bound<'_, PyAny>,
        payload: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u64> {
        let client = self.client(parameters.py())?;
        let parameters = json("parameters", parameters)?;
        let payloads = payload.map_or_else(|| Ok(Vec::new()), payloads)?;
        let request = client.submit(Call::new(method, target, parameters, payloads));
        Ok(request.0)
    }

    /// Up to `most` of what has come, the oldest first, as tuples:
    /// `(0, request, value, payload)` completes a call, `(1, request, kind,
    /// code, message)` fails one, `(2, event, payload)` is an event, `(3,
    /// router, consumer, packets)` is RTP, and `(4,)` comes last of all.
    fn poll<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Bound<'py, PyList>> {
        let client = self.client(py)?;
        // The interpreter is not let go of: nothing here waits, and a daemon
        // thread that came back into an interpreter which has ended meanwhile
        // would be torn off in the middle of this.
        let list = PyList::empty(py);
        for incoming in std::iter::from_fn(|| client.poll()).take(most) {
            list.append(report(py, incoming)?)?;
        }
        Ok(list)
    }

    /// Blocks this thread until `poll` may have something (true), or until the
    /// timeout in seconds has passed or there is nothing to come (false).
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let client = self.client(py)?;
        let timeout = timeout
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(|refused| PyValueError::new_err(format!("timeout: {refused}")))?;
        Ok(py.detach(|| client.wait(timeout)))
    }

    /// A file descriptor that is readable while `poll` may have something;
    /// None where there is none. It belongs to the client.
    fn fd(&self, py: Python<'_>) -> PyResult<Option<i32>> {
        let client = self.client(py)?;
        #[cfg(unix)]
        let fd = {
            use std::os::fd::AsRawFd;
            client.fd().map(|fd| fd.as_raw_fd())
        };
        #[cfg(not(unix))]
        let fd = {
            let _ = client;
            None
        };
        Ok(fd)
    }

    /// Ends the SFU. What was called and is not done fails; then `(4,)` comes.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let client = self.client(py)?;
        py.detach(|| client.close());
        Ok(())
    }

    /// Whether it was ended.
    fn is_closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.client(py)?.is_closed())
    }
}

impl Client {
    fn client(&self, py: Python<'_>) -> PyResult<&core::Client> {
        let (own, here) = (self.pid, process::id());
        match &self.inner {
            Some(client) if own == here => Ok(client),
            _ => {
                let message = format!(
                    "this Sfu belongs to process {own} and cannot be used in process {here}, \
                     which was forked from it: start another one there"
                );
                Err(error(py, "Closed", 3, &message))
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(client) = self.inner.take() {
            if process::id() == self.pid {
                drop(client);
            } else {
                // Its threads are not here to be joined, and its descriptors
                // are the parent's.
                std::mem::forget(client);
            }
        }
    }
}

/// A Python value as JSON.
fn json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    pythonize::depythonize(value)
        .map_err(|refused| PyTypeError::new_err(format!("{name}: not a value of JSON: {refused}")))
}
