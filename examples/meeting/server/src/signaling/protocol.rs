//! The messages of `PROTOCOL.md`: one enum each way.
//!
//! [`ClientMessage::parse`] is total: whatever a client sends becomes a message or a [`Refusal`]
//! that names the field at fault.

use serde::{Deserialize, Serialize};

use crate::meeting::{
    Assignment, ChatMessage, Code, EndReason, LeaveReason, MediaState, MeetingId, Participant,
    ParticipantId, Refusal, Role, SlotSpec, Tile, Title, Track,
};

/// The largest text frame that a client may send, in bytes.
pub const MAX_FRAME: usize = 256 * 1024;

/// What a client says.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// Takes the seat that the REST join reserved.
    Join(Join),
    /// One negotiation.
    Offer(SdpOffer),
    /// A trickled candidate; an ICE-lite server needs none.
    IceCandidate(IceCandidate),
    /// Mutes or unmutes the sender.
    Mute(Mute),
    /// Switches the sender's camera.
    VideoToggle(VideoToggle),
    /// Starts or stops sharing.
    ScreenShare(ScreenShare),
    /// What the client shows.
    View(View),
    /// Says something in the chat.
    Chat(Chat),
    /// Gives up the seat.
    Leave,
    /// Heartbeat.
    Ping,
}

/// `join`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Join {
    /// The token of the seat.
    pub token: String,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Join(..)")
    }
}

/// `offer`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SdpOffer {
    /// Repeated in the answer.
    pub offer_id: serde_json::Number,
    /// The offer, RFC 8866.
    pub sdp: String,
    /// What the client sends, and on which section.
    pub tracks: Vec<Track>,
    /// Where the client is ready to receive.
    pub slots: Vec<SlotSpec>,
}

/// `ice_candidate`, either way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCandidate {
    /// RFC 8839 section 5.1, with or without `candidate:`; empty at the end of candidates.
    pub candidate: String,
    /// The section.
    pub sdp_mid: Option<String>,
}

/// `mute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Mute {
    /// True: nobody shall hear the sender.
    pub muted: bool,
}

/// `video_toggle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct VideoToggle {
    /// False: nobody shall see the sender.
    pub enabled: bool,
}

/// `screen_share`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ScreenShare {
    /// True from the start of sharing on.
    pub active: bool,
}

/// `view`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct View {
    /// Every picture on the screen, at most 50.
    pub tiles: Vec<Tile>,
}

/// `chat`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// The text.
    pub message: String,
}

impl ClientMessage {
    /// The types of messages, for metrics.
    pub const TYPES: [&'static str; 10] = [
        "join",
        "offer",
        "ice_candidate",
        "mute",
        "video_toggle",
        "screen_share",
        "view",
        "chat",
        "leave",
        "ping",
    ];

    /// Reads one text frame. Unknown fields are ignored, so that newer clients can talk to us.
    ///
    /// # Errors
    /// The type of the message as far as it could be read, and why it was refused.
    pub fn parse(text: &str) -> Result<Self, (Option<&'static str>, Refusal)> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
        }
        let envelope: Envelope<'_> = read(text).map_err(|refusal| (None, refusal))?;
        let known = Self::TYPES.into_iter().find(|name| *name == envelope.kind);
        let Some(kind) = known else {
            return Err((
                None,
                Refusal::field("type", "is not a type of message that a client sends"),
            ));
        };
        let message = match kind {
            "join" => read(text).map(Self::Join),
            "offer" => read(text).map(Self::Offer),
            "ice_candidate" => read(text).map(Self::IceCandidate),
            "mute" => read(text).map(Self::Mute),
            "video_toggle" => read(text).map(Self::VideoToggle),
            "screen_share" => read(text).map(Self::ScreenShare),
            "view" => read(text).map(Self::View),
            "chat" => read(text).map(Self::Chat),
            "leave" => Ok(Self::Leave),
            _ => Ok(Self::Ping),
        };
        message.map_err(|refusal| (Some(kind), refusal))
    }

    /// The message's type as the protocol writes it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Offer(_) => "offer",
            Self::IceCandidate(_) => "ice_candidate",
            Self::Mute(_) => "mute",
            Self::VideoToggle(_) => "video_toggle",
            Self::ScreenShare(_) => "screen_share",
            Self::View(_) => "view",
            Self::Chat(_) => "chat",
            Self::Leave => "leave",
            Self::Ping => "ping",
        }
    }
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The seat is taken; everything a client needs to draw the meeting.
    Joined(Box<Joined>),
    /// Somebody took a seat.
    ParticipantJoined {
        /// Who.
        participant: Participant,
    },
    /// A seat is free again.
    ParticipantLeft {
        /// Whose.
        participant_id: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// Answers an offer.
    Answer {
        /// The offer's id.
        offer_id: serde_json::Number,
        /// The answer, RFC 8866.
        sdp: String,
    },
    /// Somebody's media or connection changed.
    MediaState(MediaState),
    /// Who is on the receiver's slots.
    Slots {
        /// Every slot.
        assignments: Vec<Assignment>,
    },
    /// Somebody wrote.
    ChatBroadcast(ChatMessage),
    /// A message was refused.
    Error(ErrorMessage),
    /// Answers `ping`.
    Pong,
    /// The last message on a socket.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// `joined`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Joined {
    /// The receiver's seat.
    pub participant_id: ParticipantId,
    /// The receiver's role.
    pub role: Role,
    /// Whether the seat was held before, with its media.
    pub resumed: bool,
    /// The meeting.
    pub meeting: MeetingSummary,
    /// Everybody present, the receiver among them.
    pub participants: Vec<Participant>,
    /// The last messages, oldest first.
    pub chat: Vec<ChatMessage>,
    /// Who is on the receiver's slots.
    pub slots: Vec<Assignment>,
}

/// A meeting's id and title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingSummary {
    /// The id.
    pub meeting_id: MeetingId,
    /// The title.
    pub title: Title,
}

/// `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorMessage {
    /// The stable reason.
    pub code: Code,
    /// Words for a developer.
    pub detail: String,
    /// The first field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The type of the refused message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<&'static str>,
}

impl ServerMessage {
    /// The error that answers a refused message.
    #[must_use]
    pub fn error(refusal: Refusal, in_reply_to: Option<&'static str>) -> Self {
        let first = refusal.fields.into_iter().next();
        let (field, detail) = match first {
            Some(error) => (Some(error.field), error.detail),
            None => (None, refusal.detail),
        };
        Self::Error(ErrorMessage { code: refusal.code, detail, field, in_reply_to })
    }

    /// The message as a text frame.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serialisation of plain data into a string has no way to fail; an empty object is ignored
        // by clients, where a panic would take the socket down.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// Reads JSON and names the field at fault.
///
/// # Errors
/// `invalid_request`, with the path of the field unless the text is not JSON at all.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return Refusal::new(Code::InvalidRequest, format!("the text is not JSON: {inner}"));
        }
        let text = inner.to_string();
        match (missing_field(&text), path.as_str()) {
            (Some(missing), "." | "?") => Refusal::field(missing, "is required"),
            (Some(missing), path) => Refusal::field(format!("{path}.{missing}"), "is required"),
            (None, "." | "?") => Refusal::new(Code::InvalidRequest, text),
            (None, path) => Refusal::field(path, text),
        }
    })?;
    json.end().map_err(|_| {
        Refusal::new(Code::InvalidRequest, "the text goes on after the end of the JSON object")
    })?;
    Ok(value)
}

fn missing_field(error: &str) -> Option<&str> {
    error.strip_prefix("missing field `")?.split('`').next()
}

#[cfg(test)]
mod tests;
