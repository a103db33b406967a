//! The WebSocket: bytes, timers and the order in which a socket ends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::outbox::Inbox;
use super::protocol::{MAX_FRAME, ServerMessage};
use super::{Closing, Outbox, Outgoing, Session, Verdict};
use crate::app::App;
use crate::http::Problem;
use crate::meeting::{Code, Live, Moment, Refusal};

/// How long a socket may take to say `join`.
const JOIN: Duration = Duration::from_secs(10);
/// How long a socket may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long one write may take.
const WRITE: Duration = Duration::from_secs(10);
/// How long the closing handshake may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// `GET /api/meetings/{meeting_id}/signaling`.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/meetings/{meeting_id}/signaling", get(upgrade))
}

async fn upgrade(
    State(app): State<Arc<App>>,
    Path(meeting_id): Path<String>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let live = app.live(&meeting_id)?;
    let upgrade = upgrade.map_err(|rejection| {
        Refusal::new(Code::InvalidRequest, format!("not a WebSocket handshake: {rejection}"))
    })?;
    let upgrade = upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .read_buffer_size(8 * 1024)
        .max_write_buffer_size(4 * 1024 * 1024);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _open = app.metrics.socket();
        run(socket, live, &app).await;
    }))
}

async fn run(socket: WebSocket, live: Arc<Live>, app: &App) {
    let (mut sink, mut stream) = socket.split();
    let (outbox, mut inbox) = Outbox::open();
    let mut session = Session::new(live, outbox.clone(), Arc::clone(&app.metrics));
    let mut deadline = Instant::now() + JOIN;

    let closing = loop {
        tokio::select! {
            outgoing = inbox.next() => match outgoing {
                Outgoing::Close(closing) => break Some(closing),
                Outgoing::Text(text) => match write(&mut sink, Message::Text(text), &inbox).await {
                    Ok(()) => {}
                    Err(closing) => break closing,
                },
            },
            frame = stream.next() => {
                let now = Moment::now();
                let verdict = match frame {
                    None => break None,
                    Some(Err(error)) if is_too_large(&error) => {
                        let text = format!("a frame must have at most {MAX_FRAME} bytes");
                        let refusal = Refusal::new(Code::TooLarge, text);
                        app.metrics.refused(refusal.code);
                        let error = ServerMessage::error(refusal, None);
                        let _ = outbox.push(Outgoing::text(&error));
                        Verdict::Close(Closing::TooLarge)
                    }
                    Some(Err(error)) => {
                        debug!(%error, "socket failed");
                        break None;
                    }
                    Some(Ok(Message::Text(text))) => session.handle_text(text.as_str(), now),
                    Some(Ok(Message::Binary(_))) => session.handle_binary(now),
                    Some(Ok(Message::Close(_))) => break None,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Verdict::Continue,
                };
                match verdict {
                    Verdict::Close(closing) => {
                        let _ = outbox.push(Outgoing::Close(closing));
                        drain(&mut sink, &mut inbox).await;
                        break Some(closing);
                    }
                    Verdict::Continue if session.has_joined() => {
                        deadline = Instant::now() + SILENCE;
                    }
                    Verdict::Continue => {}
                }
            },
            () = tokio::time::sleep_until(deadline) => {
                break Some(if session.has_joined() { Closing::Silent } else { Closing::NotJoined });
            }
        }
    };
    session.close(Moment::now());
    if let Some(closing) = closing {
        debug!(code = closing.code(), "closing a socket");
        let frame = CloseFrame { code: closing.code(), reason: closing.reason().into() };
        let goodbye = async {
            let _ = sink.send(Message::Close(Some(frame))).await;
            while let Some(Ok(_)) = stream.next().await {}
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

/// Writes what was queued before the close, within the time of one write.
async fn drain(sink: &mut (impl SinkExt<Message> + Unpin), inbox: &mut Inbox) {
    let rest = async {
        while let Outgoing::Text(text) = inbox.next().await {
            if sink.send(Message::Text(text)).await.is_err() {
                break;
            }
        }
    };
    let _ = timeout(WRITE, rest).await;
}

async fn write(
    sink: &mut (impl SinkExt<Message> + Unpin),
    message: Message,
    inbox: &Inbox,
) -> Result<(), Option<Closing>> {
    tokio::select! {
        sent = timeout(WRITE, sink.send(message)) => match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Closing::TooSlow)),
        },
        closing = inbox.given_up() => Err(Some(closing)),
    }
}

/// The socket library's error type is not re-exported, its words are.
fn is_too_large(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}
