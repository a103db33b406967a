//! For those who run the server: health and metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;

pub(super) fn public_router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(health))
}

pub(super) fn operator_router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(health)).route("/metrics", get(metrics))
}

/// Healthy as long as it answers: a store that is away does not end meetings.
async fn health() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let (meetings, participants) = app.registry.population();
    let text = app.metrics.render(meetings, participants);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
