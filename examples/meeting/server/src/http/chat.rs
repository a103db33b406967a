//! Chat by REST: writing, and paging through what was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::auth::Seated;
use super::body::JsonBody;
use super::error::Problem;
use crate::app::App;
use crate::meeting::{ChatMessage, ChatText, Code, Command, MessageId, Moment, Refusal};

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 200;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/meetings/{meeting_id}/chat", get(history).post(write))
}

#[derive(Deserialize)]
struct Write {
    message: String,
}

#[derive(Deserialize)]
struct Page {
    before: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct History {
    messages: Vec<ChatMessage>,
}

async fn write(
    seated: Seated,
    JsonBody(body): JsonBody<Write>,
) -> Result<impl IntoResponse, Problem> {
    let text = ChatText::parse(&body.message)?;
    let message = seated.live.handle_request(
        seated.participant,
        Command::Chat(text),
        Moment::now(),
        |room| room.recent_chat().last().cloned(),
    )?;
    let message = message.ok_or_else(|| Refusal::new(Code::Internal, "the message is gone"))?;
    Ok((StatusCode::CREATED, Json(message)))
}

async fn history(
    State(app): State<Arc<App>>,
    seated: Seated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<History>, Problem> {
    let Query(page) =
        page.map_err(|_| Refusal::new(Code::InvalidRequest, "the query is damaged"))?;
    let before: Option<MessageId> = match page.before.as_deref().map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(Refusal::field("before", "must be a message's id").into()),
    };
    let limit = match page.limit.as_deref().map(str::parse::<usize>) {
        None => DEFAULT_PAGE,
        Some(Ok(limit)) if (1..=MAX_PAGE).contains(&limit) => limit,
        Some(_) => {
            let text = format!("must be a number from 1 to {MAX_PAGE}");
            return Err(Refusal::field("limit", text).into());
        }
    };
    // What was just said may not be stored yet, and what was said long ago is in the store alone.
    let is_before = |id: MessageId| before.is_none_or(|before| id < before);
    let recent = seated.live.recent_chat();
    let recent = recent.into_iter().filter(|message| is_before(message.message_id));
    let meeting = seated.live.facts().meeting_id;
    let stored = match app.store.chat_before(meeting, before, limit).await {
        Ok(messages) => messages,
        Err(error) => {
            app.outage(&error);
            Vec::new()
        }
    };
    let by_id: BTreeMap<_, _> =
        stored.into_iter().chain(recent).map(|message| (message.message_id, message)).collect();
    let skip = by_id.len().saturating_sub(limit);
    Ok(Json(History { messages: by_id.into_values().skip(skip).collect() }))
}
