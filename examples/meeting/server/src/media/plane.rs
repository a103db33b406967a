//! What a meeting needs of a media server.

use futures_util::future::BoxFuture;

use crate::meeting::{Code, MeetingId, Offer, ParticipantId, Refusal, SlotFill, Source, SourceSet};

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

/// A media server.
pub trait MediaPlane: Send + Sync {
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

    /// Points a slot of a session at a stream, or at nothing.
    fn fill<'a>(
        &'a mut self,
        participant: ParticipantId,
        fill: &'a SlotFill,
    ) -> BoxFuture<'a, Result<(), MediaError>>;

    /// Closes a participant's session, if there is one.
    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()>;

    /// Waits for the next session that failed or was closed by its peer. Dropping the future loses
    /// nothing.
    fn lost(&mut self) -> BoxFuture<'_, ParticipantId>;

    /// Closes every session and the room.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}
