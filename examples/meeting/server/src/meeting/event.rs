//! What goes into a room and what comes out of it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::{ChatMessage, ChatText, MediaChange, Offer, ParticipantId, Source, SourceSet, Stream};
use crate::signaling::protocol::ServerMessage;

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
}

/// One picture on a client's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tile {
    /// Whose.
    pub participant_id: ParticipantId,
    /// Camera or screen.
    pub source: Source,
    /// Device pixels.
    #[serde(deserialize_with = "pixels")]
    pub width: u32,
    /// Device pixels.
    #[serde(deserialize_with = "pixels")]
    pub height: u32,
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
    pub stream: Option<Stream>,
    /// The largest spatial layer worth sending.
    pub spatial_layer: u8,
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
    f64::deserialize(deserializer).map(|pixels| pixels.round() as u32)
}
