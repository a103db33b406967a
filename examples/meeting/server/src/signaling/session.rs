//! What one socket may say, and when: the protocol between `join` and `leave`.
//!
//! It turns frames into commands for the room and refusals into `error` messages. It neither reads
//! nor writes the socket.

use std::sync::Arc;

use super::protocol::{ClientMessage, IceCandidate, MAX_FRAME, SdpOffer, ServerMessage};
use super::{Closing, Outbox, Outgoing};
use crate::meeting::{
    ChatText, Code, Command, Connection, Live, MediaChange, Moment, Offer, Pace, ParticipantId,
    Refusal, SecretHash,
};
use crate::metrics::Metrics;

/// How many refusals in excess of the rate a socket survives.
const PATIENCE: u32 = 300;

/// Whether the socket goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Read on.
    Continue,
    /// Close it.
    Close(Closing),
}

/// One socket's conversation.
#[derive(Debug)]
pub struct Session {
    live: Arc<Live>,
    outbox: Outbox,
    metrics: Arc<Metrics>,
    connection: Option<Connection>,
    messages: Pace,
    excess: u32,
}

impl Session {
    /// A socket that has said nothing yet.
    #[must_use]
    pub fn new(live: Arc<Live>, outbox: Outbox, metrics: Arc<Metrics>) -> Self {
        let messages = Pace::new(100, 30.0);
        Self { live, outbox, metrics, connection: None, messages, excess: 0 }
    }

    /// Whether the first message was a valid `join`.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.connection.is_some()
    }

    /// Handles one text frame.
    pub fn handle_text(&mut self, text: &str, now: Moment) -> Verdict {
        if !self.messages.take(now.instant) {
            self.excess += 1;
            if self.excess > PATIENCE {
                return Verdict::Close(Closing::Flood);
            }
            let refusal = Refusal::new(Code::RateLimited, "too many messages; slow down");
            return self.refuse(refusal, None);
        }
        if text.len() > MAX_FRAME {
            let text = format!("a frame must have at most {MAX_FRAME} bytes");
            return self.refuse(Refusal::new(Code::TooLarge, text), None);
        }
        match ClientMessage::parse(text) {
            Ok(message) => {
                let kind = message.kind();
                self.metrics.message(kind);
                match self.handle(message, now) {
                    Ok(()) => Verdict::Continue,
                    Err(refusal) => self.refuse(refusal, Some(kind)),
                }
            }
            Err((kind, refusal)) => self.refuse(refusal, kind),
        }
    }

    /// Refuses a binary frame; the protocol has none.
    pub fn handle_binary(&mut self, now: Moment) -> Verdict {
        if !self.messages.take(now.instant) {
            self.excess += 1;
            if self.excess > PATIENCE {
                return Verdict::Close(Closing::Flood);
            }
        }
        let refusal = Refusal::new(Code::InvalidRequest, "messages are text frames");
        self.refuse(refusal, None)
    }

    /// The socket is gone.
    pub fn close(&mut self, now: Moment) {
        if let Some(connection) = self.connection.take() {
            self.live.disconnect(connection, now);
        }
    }

    fn handle(&mut self, message: ClientMessage, now: Moment) -> Result<(), Refusal> {
        let connection = match (self.connection, message) {
            (None, ClientMessage::Join(join)) => {
                let token = SecretHash::of(&join.token);
                let media = MediaChange {
                    audio_enabled: join.audio_enabled,
                    video_enabled: join.video_enabled,
                    screen_sharing: None,
                };
                let connection = self.live.connect(&token, media, self.outbox.clone(), now);
                self.connection = Some(connection.map_err(|refusal| {
                    refusal.with_field("token", "opens no seat in this meeting")
                })?);
                return Ok(());
            }
            (None, _) => {
                let text = "the first message must be join";
                return Err(Refusal::new(Code::Unauthorized, text));
            }
            (Some(_), ClientMessage::Join(_)) => {
                return Err(Refusal::new(Code::Conflict, "the socket has joined already"));
            }
            (Some(_), ClientMessage::Ping) => {
                self.say(&ServerMessage::Pong);
                return Ok(());
            }
            (Some(_), ClientMessage::IceCandidate(candidate)) => return check(&candidate),
            (Some(connection), message) => (connection, message),
        };
        let (connection, message) = connection;
        let command = command(connection.participant, message)?;
        self.live.handle(connection, command, now)
    }

    fn refuse(&self, refusal: Refusal, in_reply_to: Option<&'static str>) -> Verdict {
        self.metrics.refused(refusal.code);
        self.say(&ServerMessage::error(refusal, in_reply_to));
        // Before the join there is no conversation to save.
        if self.has_joined() { Verdict::Continue } else { Verdict::Close(Closing::NotJoined) }
    }

    fn say(&self, message: &ServerMessage) {
        if !self.outbox.push(Outgoing::text(message)) {
            self.outbox.give_up(Closing::TooSlow);
        }
    }
}

fn command(sender: ParticipantId, message: ClientMessage) -> Result<Command, Refusal> {
    let set = |change| Ok(Command::SetMedia(sender, change));
    let none = MediaChange::default();
    match message {
        ClientMessage::Offer(SdpOffer { offer_id, sdp, tracks, slots }) => {
            Ok(Command::Offer(Offer { offer_id, sdp, tracks, slots }))
        }
        ClientMessage::Mute(mute) => set(MediaChange { audio_enabled: Some(!mute.muted), ..none }),
        ClientMessage::VideoToggle(video) => {
            set(MediaChange { video_enabled: Some(video.enabled), ..none })
        }
        ClientMessage::ScreenShare(screen) => {
            set(MediaChange { screen_sharing: Some(screen.active), ..none })
        }
        ClientMessage::View(view) => Ok(Command::View(view.tiles)),
        ClientMessage::Spotlight(spotlight) => Ok(Command::Spotlight(spotlight.participant_id)),
        ClientMessage::Explain(explain) => Ok(Command::Explain(explain.mid)),
        ClientMessage::Chat(chat) => ChatText::parse(&chat.message).map(Command::Chat),
        ClientMessage::Leave => Ok(Command::Leave(sender)),
        ClientMessage::Join(_) | ClientMessage::IceCandidate(_) | ClientMessage::Ping => {
            Err(Refusal::new(Code::Internal, "the message is not a command"))
        }
    }
}

/// RFC 8839 section 5.1: foundation, component, transport, priority, address, port, `typ`, type.
fn check(candidate: &IceCandidate) -> Result<(), Refusal> {
    let text = candidate.candidate.trim();
    let text = text.strip_prefix("a=").unwrap_or(text);
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    if text.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).take(8).collect();
    let [_, component, _, priority, _, port, typ, _] = words.as_slice() else {
        return Err(Refusal::field("candidate", "must have at least eight words"));
    };
    let numbers = component.parse::<u16>().is_ok()
        && priority.parse::<u32>().is_ok()
        && port.parse::<u16>().is_ok();
    if numbers && *typ == "typ" {
        Ok(())
    } else {
        Err(Refusal::field("candidate", "is not a candidate as in RFC 8839 section 5.1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_checked() {
        let check = |text: &str| check(&IceCandidate { candidate: text.into(), sdp_mid: None });
        assert!(check("").is_ok());
        assert!(check("candidate:1 1 udp 2113937151 b.local 50000 typ host generation 0").is_ok());
        for bad in ["x", "candidate:1 1 udp x 1.2.3.4 5 typ host", "1 1 udp 1 1.2.3.4 5 type host"]
        {
            assert_eq!(check(bad).unwrap_err().fields[0].field, "candidate");
        }
    }
}
