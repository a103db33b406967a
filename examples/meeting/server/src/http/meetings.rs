//! Creating meetings and looking at them from outside.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::body::JsonBody;
use super::error::Problem;
use super::limits::{Class, ClientAddress};
use crate::app::{App, no_meeting};
use crate::meeting::{MeetingId, MeetingInfo, Moment, Secret, Title};
use crate::store::StoredMeeting;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/meetings", post(create)).route("/meetings/{meeting_id}", get(look))
}

#[derive(Deserialize)]
struct Create {
    title: Option<String>,
}

#[derive(Serialize)]
struct Created {
    meeting_id: MeetingId,
    title: Title,
    join_url: String,
    host_key: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

async fn create(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    JsonBody(body): JsonBody<Create>,
) -> Result<impl IntoResponse, Problem> {
    app.limits.check(Class::Create, client)?;
    let title = body.title.as_deref().map_or_else(|| Ok(Title::untitled()), Title::parse)?;
    let host_key = Secret::random();
    let meeting = StoredMeeting {
        meeting_id: MeetingId::random(),
        title,
        host_key: host_key.hash(),
        created_at: Moment::now().utc,
    };
    app.store.create_meeting(&meeting).await.map_err(|error| app.outage(&error))?;
    let StoredMeeting { meeting_id, title, created_at, .. } = meeting;
    let created = Created {
        join_url: format!("/m/{meeting_id}"),
        host_key: host_key.reveal().to_owned(),
        meeting_id,
        title,
        created_at,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

async fn look(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    Path(meeting_id): Path<String>,
) -> Result<Json<MeetingInfo>, Problem> {
    // Looking is guessing, too.
    app.limits.check(Class::Join, client)?;
    let id = meeting_id.parse().map_err(|_| no_meeting())?;
    let info = match app.registry.get(id) {
        Some(live) => {
            let facts = live.facts();
            MeetingInfo {
                meeting_id: id,
                title: facts.title,
                created_at: facts.created_at,
                participant_count: live.participant_count(),
            }
        }
        None => {
            let stored = app.stored(id).await?;
            MeetingInfo {
                meeting_id: id,
                title: stored.title,
                created_at: stored.created_at,
                participant_count: 0,
            }
        }
    };
    Ok(Json(info))
}
