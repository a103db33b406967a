//! What everybody in a meeting sees of a participant, and the media a participant can send.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{ChatText, DisplayName, MessageId, ParticipantId};

/// The part that a participant plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Presented the host's key when joining.
    Host,
    /// Everybody else.
    Participant,
}

/// A participant as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// The seat.
    pub participant_id: ParticipantId,
    /// The name shown on the tile.
    pub display_name: DisplayName,
    /// Host or participant.
    pub role: Role,
    /// False: muted. The server then forwards no audio, whatever the client sends.
    pub audio_enabled: bool,
    /// False: camera off. The server then forwards no camera video.
    pub video_enabled: bool,
    /// Whether this participant shares its screen.
    pub screen_sharing: bool,
    /// False while the signalling socket is gone and the seat is kept.
    pub connected: bool,
    /// When the seat was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
}

/// The part of a [`Participant`] that changes during a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MediaState {
    /// The seat.
    pub participant_id: ParticipantId,
    /// See [`Participant::audio_enabled`].
    pub audio_enabled: bool,
    /// See [`Participant::video_enabled`].
    pub video_enabled: bool,
    /// See [`Participant::screen_sharing`].
    pub screen_sharing: bool,
    /// See [`Participant::connected`].
    pub connected: bool,
}

/// What somebody asks to change of a [`MediaState`]; absent fields stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct MediaChange {
    /// Unmute or mute.
    pub audio_enabled: Option<bool>,
    /// Camera on or off.
    pub video_enabled: Option<bool>,
    /// Start or stop sharing.
    pub screen_sharing: Option<bool>,
}

impl MediaChange {
    /// Whether anything is asked to be switched on.
    #[must_use]
    pub fn switches_on(self) -> bool {
        [self.audio_enabled, self.video_enabled, self.screen_sharing].contains(&Some(true))
    }

    /// Whether nothing is asked at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// A chat message as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Grows in the order of the meeting.
    pub message_id: MessageId,
    /// Who wrote it.
    pub sender_id: ParticipantId,
    /// The writer's name at that time.
    pub sender_name: DisplayName,
    /// The text.
    pub message: ChatText,
    /// When the server accepted it.
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// What a section of a participant's session carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The voice.
    Microphone,
    /// The face.
    Camera,
    /// The shared screen.
    Screen,
    /// The sound of the shared screen.
    ScreenAudio,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::Screen, Self::ScreenAudio];

    /// Audio or video.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Microphone | Self::ScreenAudio => Kind::Audio,
            Self::Camera | Self::Screen => Kind::Video,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Microphone => 1,
            Self::Camera => 2,
            Self::Screen => 4,
            Self::ScreenAudio => 8,
        }
    }
}

/// A set of [`Source`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSet(u8);

impl SourceSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// Whether `source` is a member.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & source.bit() != 0
    }

    /// The set with `source` added or taken out.
    #[must_use]
    pub const fn with(self, source: Source, member: bool) -> Self {
        if member { Self(self.0 | source.bit()) } else { Self(self.0 & !source.bit()) }
    }
}

impl FromIterator<Source> for SourceSet {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        sources.into_iter().fold(Self::EMPTY, |set, source| set.with(source, true))
    }
}

impl std::fmt::Debug for SourceSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(Source::ALL.iter().filter(|source| self.contains(**source))).finish()
    }
}
