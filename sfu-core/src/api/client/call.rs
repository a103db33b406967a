//! What is asked.

use bytes::Bytes;
use serde_json::Value;

use super::method::Method;
use crate::api::error::{Error, ErrorKind, Result};

/// One call of a method.
#[derive(Debug)]
pub struct Call {
    pub(super) method: Result<&'static Method>,
    pub(super) target: u64,
    pub(super) parameters: Value,
    pub(super) payloads: Vec<Bytes>,
}

impl Call {
    /// A call of the method that is called `method`, such as
    /// `Router.createWebRtcTransport`, on the noun with the id `target` (0 for
    /// the `Sfu`). `parameters` is an object, or null for none; `payloads` are
    /// packets, a message or a snapshot, for the methods that take them.
    ///
    /// A method that does not exist is refused when the call is submitted.
    pub fn new(method: &str, target: u64, parameters: Value, payloads: Vec<Bytes>) -> Self {
        let method = Method::find(method).ok_or_else(|| {
            let message = format!("method {method}: expected one of sfu_core::client::METHODS");
            Error::new(ErrorKind::InvalidParameters, message)
        });
        Self { method, target, parameters, payloads }
    }
}
