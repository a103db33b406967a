//! The REST side: one router per resource, one shape for every error.
//!
//! Handlers check what they are given, ask the live meeting or the store, and answer. Decisions about
//! a meeting are the room's.

mod auth;
mod body;
mod chat;
mod error;
mod join;
mod limits;
mod media_state;
mod meetings;
mod observe;
mod operations;
mod participants;
mod proxies;
mod web;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

pub use error::Problem;
pub use limits::{Class, ClientAddress, Rate, RateLimits, Rates};
pub use proxies::{InvalidNetwork, Network, TrustedProxies};

use crate::app::App;
use crate::signaling;

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Every route of the public server.
pub fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .merge(meetings::router())
        .merge(join::router())
        .merge(participants::router())
        .merge(media_state::router())
        .merge(chat::router())
        .merge(signaling::router())
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), limits::guard));
    Router::new()
        .nest("/api", api)
        .merge(operations::public_router())
        .fallback(web::serve)
        .method_not_allowed_fallback(error::no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe::observe))
        .with_state(app)
}

/// What only those who run the server shall see: its figures tell who meets how much.
pub fn operator_router(app: Arc<App>) -> Router {
    operations::operator_router()
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(CatchPanicLayer::custom(error::panicked))
        .with_state(app)
}
