//! Bearer tokens, RFC 6750 section 2.1.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::header;
use axum::http::request::Parts;

use super::error::Problem;
use crate::app::App;
use crate::meeting::{Code, Live, ParticipantId, Refusal, SecretHash};

/// A request by somebody who has a seat in the meeting that the path names.
pub(super) struct Seated {
    pub(super) live: Arc<Live>,
    pub(super) participant: ParticipantId,
}

#[derive(serde::Deserialize)]
struct MeetingPath {
    meeting_id: String,
}

impl FromRequestParts<Arc<App>> for Seated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let path = Path::<MeetingPath>::from_request_parts(parts, app).await;
        let Path(MeetingPath { meeting_id }) = path.map_err(|_| crate::app::no_meeting())?;
        let live = app.live(&meeting_id)?;
        let value = parts.headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok()).and_then(|v| v.split_once(' '));
        let Some((scheme, token)) = value else {
            let text = "the request needs the header `authorization: Bearer <token>`";
            return Err(Refusal::new(Code::Unauthorized, text).into());
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            let text = "the authorization must be of scheme Bearer";
            return Err(Refusal::new(Code::Unauthorized, text).into());
        }
        let participant = live.holder(&SecretHash::of(token.trim()))?;
        Ok(Self { live, participant })
    }
}
