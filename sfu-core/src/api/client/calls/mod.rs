//! What each method does: reads its parameters, calls the handle, and
//! describes what came of it.

pub(super) mod data;
pub(super) mod media;
pub(super) mod observer;
pub(super) mod router;
pub(super) mod sfu;
pub(super) mod transport;

mod srtp_text;

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use srtp_text::SrtpText;

use super::Inner;
use super::incoming::Answer;
use super::method::Method;
use super::registry::{Noun, Registry};
use crate::api::error::{Error, ErrorKind, Result};

/// Everything that one call has.
pub(super) struct Scope {
    pub(super) inner: Arc<Inner>,
    pub(super) method: &'static Method,
    pub(super) target: u64,
    pub(super) parameters: Value,
    pub(super) payloads: Vec<Bytes>,
}

impl Scope {
    /// What the method is called on.
    fn target(&self) -> Result<Noun> {
        self.registry().find(self.target, self.method.noun)
    }

    fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// The parameters; none at all count as an empty object.
    fn parameters<T: DeserializeOwned>(&mut self) -> Result<T> {
        let parameters = match self.parameters.take() {
            Value::Null => Value::Object(Map::new()),
            given => given,
        };
        parse(&format!("{:?}", self.method), parameters)
    }

    /// Refuses parameters, for a method that has none.
    fn no_parameters(&mut self) -> Result<()> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        self.parameters::<Nothing>().map(|_| ())
    }

    /// The one payload of the call.
    fn payload(&mut self) -> Result<Bytes> {
        let count = self.payloads.len();
        match self.payloads.pop() {
            Some(payload) if count == 1 => Ok(payload),
            _ => {
                let message = format!("{:?}: expected one payload, got {count}", self.method);
                Err(Error::new(ErrorKind::InvalidParameters, message))
            }
        }
    }
}

/// Reads JSON; an error names the field, or `whole` where it is not in one.
pub(super) fn parse<T: DeserializeOwned>(whole: &str, value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { whole } else { path.as_str() };
        Error::new(ErrorKind::InvalidParameters, format!("{place}: {}", error.inner()))
    })
}

/// Takes the handle that a method is called on.
macro_rules! target {
    ($scope:ident, $noun:ident) => {
        match $scope.target()? {
            $crate::api::client::registry::Noun::$noun(it) => it,
            _ => return Err($crate::api::error::Error::unexpected_reply()),
        }
    };
}
pub(super) use target;

/// The end of a call that has nothing to tell.
fn done() -> Result<Answer> {
    Ok(Answer::default())
}

fn answer(value: Value) -> Result<Answer> {
    Ok(Answer { value, payload: None })
}
