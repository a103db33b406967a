//! One seat of a room and the media behind it.

use std::collections::BTreeMap;
use std::time::Instant;

use time::OffsetDateTime;

use super::{
    AudioCandidate, Demand, DisplayName, MediaState, Negotiation, Pace, Participant, ParticipantId,
    Role, ScreenCandidate, SecretHash, SlotFill, Slots, Source, SourceSet, Subject, Tile,
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
    /// The best layers that anybody is sent, as last told.
    pub(super) limits: BTreeMap<Source, Option<u8>>,
    /// More people are shown than there are slots for.
    pub(super) crowded: bool,
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
            limits: BTreeMap::new(),
            crowded: false,
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

    /// Whether others can be sent this source, as far as the seat is concerned.
    pub(super) fn publishes(&self, source: Source) -> bool {
        let media = self.media.as_ref().filter(|_| self.is_present());
        media.is_some_and(|media| media.published.contains(source))
    }

    pub(super) fn as_audio(&self) -> Option<AudioCandidate> {
        let candidate = AudioCandidate { participant: self.id, muted: !self.audio_enabled };
        self.publishes(Source::Microphone).then_some(candidate)
    }

    pub(super) fn as_screen(&self, receiver: &Self) -> ScreenCandidate {
        let shown = receiver.demand(self.id, Source::Screen).is_some();
        ScreenCandidate {
            participant: self.id,
            video: shown && self.publishes(Source::Screen),
            audio: self.publishes(Source::ScreenAudio),
        }
    }

    /// Whether this seat shows `participant`, or may: without a view that is not known.
    pub(super) fn may_show(&self, participant: ParticipantId) -> bool {
        let Some(tiles) = &self.view else { return true };
        tiles.iter().any(|tile| tile.subject == Subject::Participant(participant))
    }

    /// Whether the view has a tile for whoever speaks.
    pub(super) fn shows_speaker(&self) -> bool {
        let tiles = self.view.as_deref().unwrap_or_default();
        tiles.iter().any(|tile| tile.subject == Subject::Speaker)
    }

    /// How this seat shows a picture; `None` when it does not. The largest of several tiles counts.
    /// A client that never said what it shows is sent everything at its best.
    pub(super) fn demand(&self, participant: ParticipantId, source: Source) -> Option<Demand> {
        let screen = source == Source::Screen;
        let Some(tiles) = &self.view else { return Some(Demand { screen, ..Demand::default() }) };
        let subject = Subject::Participant(participant);
        let tiles = tiles.iter().filter(|tile| tile.source == source && tile.subject == subject);
        largest(tiles, screen)
    }

    /// How this seat shows whoever speaks.
    pub(super) fn speaker_demand(&self) -> Demand {
        let tiles = self.view.as_deref().unwrap_or_default().iter();
        let tiles = tiles.filter(|tile| tile.subject == Subject::Speaker);
        largest(tiles, false).unwrap_or_default()
    }
}

fn largest<'a>(tiles: impl Iterator<Item = &'a Tile>, screen: bool) -> Option<Demand> {
    tiles.fold(None, |demand: Option<Demand>, tile| {
        let demand = demand.unwrap_or_else(|| Demand { screen, ..Demand::default() });
        Some(Demand {
            width: demand.width.max(tile.width).max(1),
            height: demand.height.max(tile.height).max(1),
            important: demand.important || tile.pinned,
            screen,
        })
    })
}
