//! One seat of a room and the media behind it.

use std::time::Instant;

use time::OffsetDateTime;

use super::{
    AudioCandidate, DisplayName, MediaState, Negotiation, Pace, Participant, ParticipantId, Role,
    ScreenCandidate, SecretHash, SlotFill, Slots, Source, SourceSet, Tile, VideoCandidate,
    spatial_layer,
};

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: ParticipantId,
    pub(super) token: SecretHash,
    pub(super) name: DisplayName,
    pub(super) role: Role,
    pub(super) joined_at: OffsetDateTime,
    pub(super) presence: Presence,
    pub(super) audio_enabled: bool,
    pub(super) video_enabled: bool,
    pub(super) media: Option<Media>,
    /// `None` until the client says what it shows: then everything is sent.
    pub(super) view: Option<Vec<Tile>>,
    pub(super) announcements: Pace,
    pub(super) offers: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Reserved { until: Instant },
    Connected,
    Away { until: Instant },
}

#[derive(Debug)]
pub(super) struct Media {
    pub(super) negotiation: Negotiation,
    /// Sources that the media plane receives; empty until the answer.
    pub(super) published: SourceSet,
    pub(super) answered: bool,
    pub(super) slots: Slots,
    pub(super) told: bool,
    pub(super) fills: Vec<SlotFill>,
}

impl Media {
    /// The media of a negotiation that has no answer yet.
    pub(super) fn new(negotiation: Negotiation) -> Self {
        Self {
            published: SourceSet::EMPTY,
            answered: false,
            slots: Slots::new(negotiation.offer.slots.clone()),
            told: false,
            fills: Vec::new(),
            negotiation,
        }
    }
}

impl Seat {
    /// A seat that waits for its first socket.
    pub(super) fn reserve(
        id: ParticipantId,
        token: SecretHash,
        name: DisplayName,
        role: Role,
        until: Instant,
        joined_at: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            token,
            name,
            role,
            joined_at,
            presence: Presence::Reserved { until },
            audio_enabled: true,
            video_enabled: true,
            media: None,
            view: None,
            announcements: Pace::new(20, 4.0),
            offers: Pace::new(6, 0.5),
        }
    }

    pub(super) fn is_present(&self) -> bool {
        !matches!(self.presence, Presence::Reserved { .. })
    }

    pub(super) fn participant(&self, sharing: Option<ParticipantId>) -> Participant {
        Participant {
            participant_id: self.id,
            display_name: self.name.clone(),
            role: self.role,
            audio_enabled: self.audio_enabled,
            video_enabled: self.video_enabled,
            screen_sharing: sharing == Some(self.id),
            connected: self.presence == Presence::Connected,
            joined_at: self.joined_at,
        }
    }

    pub(super) fn media_state(&self, sharing: Option<ParticipantId>) -> MediaState {
        MediaState {
            participant_id: self.id,
            audio_enabled: self.audio_enabled,
            video_enabled: self.video_enabled,
            screen_sharing: sharing == Some(self.id),
            connected: self.presence == Presence::Connected,
        }
    }

    pub(super) fn allowed(&self, sharing: Option<ParticipantId>) -> SourceSet {
        let shares = sharing == Some(self.id);
        SourceSet::EMPTY
            .with(Source::Microphone, self.audio_enabled)
            .with(Source::Camera, self.video_enabled)
            .with(Source::Screen, shares)
            .with(Source::ScreenAudio, shares)
    }

    pub(super) fn publishes(&self, source: Source) -> bool {
        self.media.as_ref().is_some_and(|media| media.published.contains(source))
    }

    pub(super) fn as_audio(&self) -> Option<AudioCandidate> {
        let candidate = AudioCandidate { participant: self.id, muted: !self.audio_enabled };
        self.publishes(Source::Microphone).then_some(candidate)
    }

    pub(super) fn as_video(&self, receiver: &Self) -> Option<VideoCandidate> {
        let layer = wanted_layer(receiver.view.as_deref(), self.id, Source::Camera)?;
        let shown = self.video_enabled && self.publishes(Source::Camera);
        shown.then_some(VideoCandidate { participant: self.id, layer })
    }

    pub(super) fn as_screen(&self, receiver: &Self) -> Option<ScreenCandidate> {
        let shown = wanted_layer(receiver.view.as_deref(), self.id, Source::Screen).is_some();
        Some(ScreenCandidate {
            participant: self.id,
            video: shown && self.publishes(Source::Screen),
            audio: self.publishes(Source::ScreenAudio),
        })
    }
}

/// The layer that a receiver's view asks for; `None` when it does not show the picture. A client
/// that never said what it shows is sent everything at its best.
pub(super) fn wanted_layer(
    view: Option<&[Tile]>,
    participant: ParticipantId,
    source: Source,
) -> Option<u8> {
    let Some(tiles) = view else { return Some(2) };
    tiles
        .iter()
        .filter(|tile| tile.participant_id == participant && tile.source == source)
        .map(|tile| spatial_layer(tile.height))
        .max()
}
