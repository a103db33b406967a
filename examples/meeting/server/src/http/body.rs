//! JSON bodies, with errors that name the field.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::Problem;
use crate::meeting::{Code, Refusal};
use crate::signaling::protocol::read;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON body. The media type is required: it keeps forms of foreign pages out.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let text = "the body must be application/json";
            return Err(Refusal::new(Code::UnsupportedMediaType, text).into());
        }
        let body = match timeout(PATIENCE, Bytes::from_request(request, state)).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!("the body must have at most {} bytes", super::MAX_BODY);
                return Err(Refusal::new(Code::TooLarge, text).into());
            }
            Ok(Err(_)) | Err(_) => {
                let text = "the body did not arrive";
                return Err(Refusal::new(Code::InvalidRequest, text).into());
            }
        };
        let text = std::str::from_utf8(&body)
            .map_err(|_| Refusal::new(Code::InvalidRequest, "the body is not UTF-8"))?;
        Ok(Self(read(text)?))
    }
}
