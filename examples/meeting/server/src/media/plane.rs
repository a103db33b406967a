//! What a meeting needs of a media server.

use futures_util::future::BoxFuture;

use crate::meeting::{Code, MeetingId, Offer, ParticipantId, Refusal, SlotFill, Source, SourceSet};
use crate::signaling::protocol::Explained;

/// Why the media plane did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The offer is at fault.
    #[error("the offer is refused: {0}")]
    Refused(String),
    /// The plane is at fault.
    #[error("the media plane failed: {0}")]
    Failed(String),
}

impl From<MediaError> for Refusal {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Refused(detail) => Self::field("sdp", detail),
            MediaError::Failed(_) => Self::new(Code::Internal, "media could not be set up"),
        }
    }
}

/// An accepted offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The answer.
    pub sdp: String,
    /// What the plane is ready to receive.
    pub published: SourceSet,
}

/// What a media server says of its own accord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaNews {
    /// A session failed or was closed by its peer.
    Lost(ParticipantId),
    /// Somebody else speaks.
    Speakers {
        /// The dominant speaker; `None` in silence.
        active: Option<ParticipantId>,
        /// Who is heard, by rank.
        speakers: Vec<Option<ParticipantId>>,
    },
    /// The best layer of a source that anybody is sent has changed.
    Demand {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        source: Source,
        /// `None`: nobody is sent any.
        max_spatial: Option<u8>,
    },
}

/// A media server.
pub trait MediaPlane: Send + Sync {
    /// How many speakers the slots that follow them can carry at a time; 0 where it neither says who
    /// speaks nor has such slots.
    fn speaker_places(&self) -> u8;

    /// Makes the media room of a meeting.
    fn open_room(
        &self,
        meeting: MeetingId,
    ) -> BoxFuture<'_, Result<Box<dyn MediaRoom>, MediaError>>;
}

/// The media of one meeting; used by one task. A participant has at most one session.
pub trait MediaRoom: Send {
    /// Makes a participant's session. An earlier one has been closed.
    fn accept_offer<'a>(
        &'a mut self,
        participant: ParticipantId,
        offer: &'a Offer,
    ) -> BoxFuture<'a, Result<Accepted, MediaError>>;

    /// Forwards a source to its receivers, or drops it on arrival.
    fn set_sending(
        &mut self,
        participant: ParticipantId,
        source: Source,
        sending: bool,
    ) -> BoxFuture<'_, Result<(), MediaError>>;

    /// Points a slot of a session at a stream, at the speakers, or at nothing.
    fn fill<'a>(
        &'a mut self,
        participant: ParticipantId,
        fill: &'a SlotFill,
    ) -> BoxFuture<'a, Result<(), MediaError>>;

    /// Closes a participant's session, if there is one.
    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()>;

    /// Says why a slot of a session carries what it carries.
    fn explain<'a>(
        &'a mut self,
        participant: ParticipantId,
        mid: &'a str,
    ) -> BoxFuture<'a, Result<Explained, MediaError>>;

    /// Waits for news. Dropping the future loses nothing.
    fn news(&mut self) -> BoxFuture<'_, MediaNews>;

    /// Closes every session and the room.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}
