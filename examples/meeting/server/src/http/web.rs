//! The web client, embedded in the binary.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::{no_method, no_route};

/// In debug builds files are read from disk, so that the client can be rebuilt on its own.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Dist;

/// Shown when the server was built without the client.
const STUB: &str = include_str!("stub.html");

/// Everything that is not an API: the client's files, and its page under `/` and `/m/{id}`.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return no_method().await.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if is_page(path) {
        return match Dist::get("index.html") {
            Some(page) => file("index.html", page, &headers),
            None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], STUB).into_response(),
        };
    }
    match Dist::get(path) {
        Some(asset) => file(path, asset, &headers),
        None => no_route().await.into_response(),
    }
}

fn is_page(path: &str) -> bool {
    let meeting = path.strip_prefix("m/").map(|id| id.trim_end_matches('/'));
    path.is_empty() || path == "index.html" || meeting.is_some_and(is_word)
}

/// A link that names no meeting shows the client too, which says so nicely.
fn is_word(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|b| matches!(b, b'-' | b'_') || b.is_ascii_alphanumeric())
}

fn file(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag: String = file.metadata.sha256_hash().iter().map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{tag}\"");
    // The names of bundled files change with their content.
    let lifetime = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let fresh =
        headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    let common = [(header::CACHE_CONTROL, lifetime.to_owned()), (header::ETAG, tag)];
    if fresh {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let media_type = file.metadata.mimetype().to_owned();
    let media_type = if media_type.starts_with("text/") && !media_type.contains("charset") {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type
    };
    (common, [(header::CONTENT_TYPE, media_type)], Body::from(file.data)).into_response()
}
