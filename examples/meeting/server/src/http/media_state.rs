//! Microphone, camera and screen by REST, for clients whose socket is busy or gone.

use std::sync::Arc;

use axum::extract::Path;
use axum::routing::put;
use axum::{Json, Router};
use serde::Serialize;

use super::auth::Seated;
use super::body::JsonBody;
use super::error::Problem;
use crate::app::App;
use crate::meeting::{Code, Command, MediaChange, Moment, ParticipantId, Refusal};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/meetings/{meeting_id}/participants/{participant_id}/media", put(update))
}

#[derive(Serialize)]
struct Answer {
    participant_id: ParticipantId,
    audio_enabled: bool,
    video_enabled: bool,
    screen_sharing: bool,
}

async fn update(
    seated: Seated,
    Path((_, participant_id)): Path<(String, String)>,
    JsonBody(change): JsonBody<MediaChange>,
) -> Result<Json<Answer>, Problem> {
    let no_participant =
        || Refusal::new(Code::NotFound, "there is no such participant in this meeting");
    let whose: ParticipantId = participant_id.parse().map_err(|_| no_participant())?;
    if change.is_empty() {
        let text = "at least one of audio_enabled, video_enabled and screen_sharing is required";
        return Err(Refusal::new(Code::InvalidRequest, text).into());
    }
    let command = Command::SetMedia(whose, change);
    let state = seated.live.handle_request(seated.participant, command, Moment::now(), |room| {
        room.media_state(whose)
    })?;
    let state = state.ok_or_else(no_participant)?;
    Ok(Json(Answer {
        participant_id: state.participant_id,
        audio_enabled: state.audio_enabled,
        video_enabled: state.video_enabled,
        screen_sharing: state.screen_sharing,
    }))
}
