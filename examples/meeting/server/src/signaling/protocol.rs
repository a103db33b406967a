//! The messages of `PROTOCOL.md`: one enum each way.
//!
//! [`ClientMessage::parse`] is total: whatever a client sends becomes a message or a [`Refusal`]
//! that names the field at fault.

use serde::{Deserialize, Serialize};

use crate::meeting::{
    Assignment, ChatMessage, Code, EndReason, LeaveReason, MediaState, MeetingId, Participant,
    ParticipantId, Refusal, Role, SlotSpec, Source, Speaking, Tile, Title, Track,
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
    /// Makes somebody large for everybody.
    Spotlight(Spotlight),
    /// Asks why a slot carries what it carries.
    Explain(Explain),
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
    /// False: the newcomer is muted from the first moment.
    pub audio_enabled: Option<bool>,
    /// False: the newcomer's camera is off from the first moment.
    pub video_enabled: Option<bool>,
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

/// `spotlight`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Spotlight {
    /// Who; `None` for nobody.
    pub participant_id: Option<ParticipantId>,
}

/// `explain`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Explain {
    /// The slot.
    pub mid: String,
}

/// `chat`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// The text.
    pub message: String,
}

impl ClientMessage {
    /// The types of messages, for metrics.
    pub const TYPES: [&'static str; 12] = [
        "join",
        "offer",
        "ice_candidate",
        "mute",
        "video_toggle",
        "screen_share",
        "view",
        "spotlight",
        "explain",
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
            "spotlight" => read(text).map(Self::Spotlight),
            "explain" => read(text).map(Self::Explain),
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
            Self::Spotlight(_) => "spotlight",
            Self::Explain(_) => "explain",
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
        /// How many are present now.
        participant_count: usize,
    },
    /// A seat is free again.
    ParticipantLeft {
        /// Whose.
        participant_id: ParticipantId,
        /// Why.
        reason: LeaveReason,
        /// How many are present now.
        participant_count: usize,
    },
    /// What has changed in a large meeting.
    ParticipantsChanged {
        /// Who came; not all of them when there is `more`.
        joined: Vec<Participant>,
        /// Who left; not all of them when there is `more`.
        left: Vec<Departure>,
        /// Whose media or connection changed.
        changed: Vec<MediaState>,
        /// How many are present now.
        participant_count: usize,
        /// Some who came or left are not listed.
        more: bool,
    },
    /// Who speaks.
    ActiveSpeaker(Speaking),
    /// Whom a host made large for everybody.
    Spotlight {
        /// Who; `None` for nobody.
        participant_id: Option<ParticipantId>,
    },
    /// The best layer of a source that anybody is sent.
    PublishLayers {
        /// The receiver's own source.
        source: Source,
        /// `None`: nobody is sent any.
        max_spatial: Option<u8>,
    },
    /// Answers `explain`.
    Explanation {
        /// The slot.
        mid: String,
        /// Whom it carries.
        participant_id: Option<ParticipantId>,
        /// What it carries.
        source: Source,
        /// Why.
        #[serde(flatten)]
        explained: Explained,
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
    /// The first of those present, the receiver among them.
    pub participants: Vec<Participant>,
    /// How many are present.
    pub participant_count: usize,
    /// Whom a host made large for everybody.
    pub spotlight: Option<ParticipantId>,
    /// Who speaks; `None` where the server does not tell.
    pub speakers: Option<Speaking>,
    /// The last messages, oldest first.
    pub chat: Vec<ChatMessage>,
    /// Who is on the receiver's slots.
    pub slots: Vec<Assignment>,
}

/// Somebody who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// Whose seat is free.
    pub participant_id: ParticipantId,
    /// Why.
    pub reason: LeaveReason,
}

/// Why a slot carries what it carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The stable name of the rule that decided.
    pub reason: String,
    /// Words for a developer.
    pub detail: String,
    /// What the view asks for at most.
    pub wanted: Option<Layer>,
    /// What is to be sent.
    pub target: Option<Layer>,
    /// What is sent.
    pub current: Option<Layer>,
    /// Whether the target waits for a key frame.
    pub awaits_key_frame: bool,
    /// What the way to the receiver is believed to carry, in bit/s.
    pub available_bitrate: Option<u64>,
}

/// A layer of a source; 0 is the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// By size.
    pub spatial: u8,
    /// By rate.
    pub temporal: u8,
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
