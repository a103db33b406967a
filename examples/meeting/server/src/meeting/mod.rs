//! The live meeting as a state machine: who sits in it, what they may do, what each of them receives.
//!
//! [`Room`] takes commands and yields [`Event`]s. It never waits, locks, sends, stores or reads a
//! clock, so every rule of a meeting can be tested by calling it. [`Live`] is the one place that
//! ties a room to its sockets and its media, and [`Registry`] is the bounded set of live meetings.

mod event;
mod ids;
mod live;
mod moment;
mod news;
mod offer;
mod pace;
mod participant;
mod permissions;
mod refusal;
mod registry;
mod room;
mod seat;
mod seats;
mod secret;
mod slots;
mod text;

pub use event::{
    Audience, Command, Demand, EndReason, Event, LeaveReason, Negotiation, SlotFill, Speaking,
    Subject, Tile,
};
pub use ids::{InvalidId, MeetingId, MessageId, ParticipantId};
pub use live::{Connection, Live, Services};
pub use moment::Moment;
pub use offer::{Offer, Track};
pub use pace::Pace;
pub use participant::{
    ChatMessage, Kind, MediaChange, MediaState, Participant, Role, Source, SourceSet,
};
pub use permissions::{Action, may};
pub use refusal::{Code, FieldError, Refusal};
pub use registry::{MeetingInfo, Registry};
pub use room::{Limits, Room, RoomFacts, RosterPage};
pub use secret::{Secret, SecretHash};
pub use slots::{
    Assignment, AudioCandidate, Content, ScreenCandidate, SlotRole, SlotSpec, Slots, Stream,
    VideoCandidate, Voices, spatial_layer,
};
pub use text::{ChatText, DisplayName, Title};
