//! Reserving a seat and giving one up.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::auth::Seated;
use super::body::JsonBody;
use super::error::Problem;
use super::limits::{Class, ClientAddress};
use crate::app::{App, no_meeting};
use crate::meeting::{
    Code, Command, DisplayName, MeetingId, Moment, Participant, ParticipantId, Refusal, Role,
    SecretHash, Title,
};

/// How many people the answer to a join names; the socket names more.
const FIRST_PEOPLE: usize = 10;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/meetings/{meeting_id}/join", post(join))
        .route("/meetings/{meeting_id}/leave", post(leave))
}

#[derive(Deserialize)]
struct Join {
    display_name: String,
    host_key: Option<String>,
    device_info: Option<DeviceInfo>,
}

#[derive(Deserialize)]
struct DeviceInfo {
    user_agent: Option<String>,
    #[serde(default)]
    codecs: Vec<String>,
}

#[derive(Serialize)]
struct Seat {
    participant_id: ParticipantId,
    token: String,
    signaling_server_url: String,
    /// The server is reachable by itself: it needs neither STUN nor TURN.
    ice_servers: [(); 0],
    role: Role,
    meeting_state: MeetingState,
}

#[derive(Serialize)]
struct MeetingState {
    meeting_id: MeetingId,
    title: Title,
    participants: Vec<Participant>,
    participant_count: usize,
}

#[derive(Deserialize)]
struct Leave {
    participant_id: ParticipantId,
}

async fn join(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    Path(meeting_id): Path<String>,
    JsonBody(body): JsonBody<Join>,
) -> Result<Json<Seat>, Problem> {
    app.limits.check(Class::Join, client)?;
    let id: MeetingId = meeting_id.parse().map_err(|_| no_meeting())?;
    let name = DisplayName::parse(&body.display_name)?;
    if let Some(device) = body.device_info {
        debug!(user_agent = device.user_agent, codecs = ?device.codecs, "a client joins");
    }
    let host_key = body.host_key.as_deref().map(SecretHash::of);
    let mut attempts = 0;
    // A meeting may be released from memory between finding it and taking a seat in it.
    let (live, facts, role, (participant_id, token)) = loop {
        let live = app.wake(id).await?;
        let facts = live.facts();
        let role = match host_key {
            None => Role::Participant,
            Some(key) if key == facts.host_key => Role::Host,
            Some(_) => {
                let refusal = Refusal::new(Code::Forbidden, "this is not the host's key");
                return Err(refusal.with_field("host_key", "is wrong").into());
            }
        };
        attempts += 1;
        match live.reserve(name.clone(), role, Moment::now()) {
            Ok(seat) => break (live, facts, role, seat),
            Err(refusal) if refusal.code == Code::Unavailable && attempts < 3 => {}
            Err(refusal) => return Err(refusal.into()),
        }
    };
    let present = live.roster_page(0, FIRST_PEOPLE);
    Ok(Json(Seat {
        participant_id,
        token: token.reveal().to_owned(),
        signaling_server_url: format!("/api/meetings/{id}/signaling"),
        ice_servers: [],
        role,
        meeting_state: MeetingState {
            meeting_id: id,
            title: facts.title,
            participants: present.participants,
            participant_count: present.participant_count,
        },
    }))
}

async fn leave(seated: Seated, JsonBody(body): JsonBody<Leave>) -> Result<StatusCode, Problem> {
    let command = Command::Leave(body.participant_id);
    seated.live.handle_request(seated.participant, command, Moment::now(), |_| ())?;
    Ok(StatusCode::NO_CONTENT)
}
