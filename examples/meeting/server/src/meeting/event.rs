//! What goes into a room and what comes out of it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::{ChatMessage, ChatText, Content, MediaChange, Offer, ParticipantId, Source, SourceSet};
use crate::signaling::protocol::ServerMessage;

/// More than any screen has.
const MAX_PIXELS: u32 = 16_384;

/// What somebody with a seat asks for.
#[derive(Debug, Clone)]
pub enum Command {
    /// Negotiate media anew.
    Offer(Offer),
    /// Change one's own or, as a host, another's media.
    SetMedia(ParticipantId, MediaChange),
    /// Say what is shown.
    View(Vec<Tile>),
    /// Write to everybody.
    Chat(ChatText),
    /// Give up one's own or, as a host, another's seat.
    Leave(ParticipantId),
    /// As a host, make somebody large for everybody, or nobody.
    Spotlight(Option<ParticipantId>),
    /// Ask why a slot carries what it carries.
    Explain(String),
}

/// One picture on a client's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tile {
    /// Whose.
    #[serde(rename = "participant_id")]
    pub subject: Subject,
    /// Camera or screen.
    pub source: Source,
    /// Device pixels.
    #[serde(deserialize_with = "pixels")]
    pub width: u32,
    /// Device pixels.
    #[serde(deserialize_with = "pixels")]
    pub height: u32,
    /// The viewer wants this one above all others.
    #[serde(default)]
    pub pinned: bool,
}

/// Whom a tile shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// This participant.
    Participant(ParticipantId),
    /// Whoever speaks.
    Speaker,
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        if text == "speaker" {
            return Ok(Self::Speaker);
        }
        let id = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self::Participant(id))
    }
}

/// The numbered negotiation of an offer; a later one makes it void.
#[derive(Debug, Clone)]
pub struct Negotiation {
    /// Unique within the room.
    pub number: u64,
    /// What to negotiate.
    pub offer: Arc<Offer>,
}

/// What the media plane shall send on a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotFill {
    /// The slot.
    pub mid: String,
    /// What it carries; `None` when it is empty.
    pub content: Option<Content>,
    /// How it is shown. All zero on audio slots and on empty ones.
    pub demand: Demand,
}

/// How a receiver shows a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// Device pixels; 0 when the receiver did not say.
    pub width: u32,
    /// Device pixels; 0 when the receiver did not say.
    pub height: u32,
    /// The receiver wants it above all others, or the host does.
    pub important: bool,
    /// It is a screen: sharp rather than smooth.
    pub screen: bool,
}

/// Who is speaking in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Speaking {
    /// The dominant speaker; stays when everybody is silent.
    #[serde(rename = "participant_id")]
    pub active: Option<ParticipantId>,
    /// Who spoke before; the active speaker is shown this one.
    #[serde(rename = "previous_id")]
    pub previous: Option<ParticipantId>,
    /// Who is heard, by rank. A speaker keeps the rank until pushed out.
    pub speakers: Vec<Option<ParticipantId>>,
}

impl Speaking {
    /// Whom the tile "whoever speaks" shows to `receiver`.
    #[must_use]
    pub fn shown_to(&self, receiver: ParticipantId) -> Option<ParticipantId> {
        self.active.filter(|active| *active != receiver).or(self.previous)
    }

    pub(super) fn forget(&mut self, id: ParticipantId) -> bool {
        let before = self.clone();
        for place in [&mut self.active, &mut self.previous].into_iter().chain(&mut self.speakers) {
            *place = place.filter(|known| *known != id);
        }
        *self != before
    }
}

/// What follows from a command.
#[derive(Debug, Clone)]
pub enum Event {
    /// Tell people something.
    Tell(Audience, ServerMessage),
    /// Replace a participant's media session.
    Negotiate(ParticipantId, Negotiation),
    /// Forward only these sources of a participant.
    Send(ParticipantId, SourceSet),
    /// Fill a participant's slots.
    Fill(ParticipantId, Vec<SlotFill>),
    /// Close a participant's media session.
    CloseMedia(ParticipantId),
    /// Find out why a slot of a participant carries what it carries.
    Explain(ParticipantId, String),
    /// Say goodbye on a participant's socket and close it.
    End(ParticipantId, EndReason),
    /// Store a message.
    Persist(ChatMessage),
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One participant.
    One(ParticipantId),
    /// Everybody but one.
    Others(ParticipantId),
    /// Everybody.
    Everyone,
}

/// Why a participant is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Said so.
    Left,
    /// Did not come back in time.
    Timeout,
    /// Was taken out by a host.
    Removed,
}

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The participant left.
    Left,
    /// The participant was taken out by a host.
    Removed,
    /// Another socket took the seat.
    Replaced,
    /// The meeting is over.
    MeetingEnded,
    /// The server stops.
    Shutdown,
}

/// Layouts end in fractions of a pixel.
fn pixels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    // The cast saturates, and takes what is not a number for nothing.
    f64::deserialize(deserializer).map(|pixels| (pixels.round() as u32).min(MAX_PIXELS))
}
