//! Who is in a meeting, page by page.

use std::sync::Arc;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::auth::Seated;
use super::error::Problem;
use crate::app::App;
use crate::meeting::{Code, ParticipantId, Refusal, RosterPage};

const MAX_PAGE: usize = 200;
const DEFAULT_PAGE: usize = 50;
const MAX_IDS: usize = 50;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/meetings/{meeting_id}/participants", get(list))
}

#[derive(Deserialize)]
struct Page {
    after: Option<String>,
    limit: Option<String>,
    ids: Option<String>,
}

async fn list(
    seated: Seated,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<RosterPage>, Problem> {
    let Query(page) =
        page.map_err(|_| Refusal::new(Code::InvalidRequest, "the query is damaged"))?;
    if let Some(ids) = page.ids {
        let ids: Result<Vec<ParticipantId>, _> = ids.split(',').map(str::parse).collect();
        let ids = ids.ok().filter(|ids| ids.len() <= MAX_IDS).ok_or_else(|| {
            Refusal::field("ids", format!("must be at most {MAX_IDS} participants' ids"))
        })?;
        return Ok(Json(seated.live.roster_of(&ids)));
    }
    let after = match page.after.as_deref().map(str::parse::<u64>) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Refusal::field("after", "must be a page's `next`").into()),
    };
    let limit = match page.limit.as_deref().map(str::parse::<usize>) {
        None => DEFAULT_PAGE,
        Some(Ok(limit)) if (1..=MAX_PAGE).contains(&limit) => limit,
        Some(_) => {
            let text = format!("must be a number from 1 to {MAX_PAGE}");
            return Err(Refusal::field("limit", text).into());
        }
    };
    Ok(Json(seated.live.roster_page(after, limit)))
}
