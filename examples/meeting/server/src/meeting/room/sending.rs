//! What each receiver is sent: from its view, the spotlight, the screen and the speakers to its
//! slots; and from what receivers are sent to what publishers need not encode.

use super::Room;
use crate::meeting::seat::Seat;
use crate::meeting::{
    Audience, Content, Demand, Event, ParticipantId, SlotFill, Source, Speaking, Subject,
    VideoCandidate, Voices, spatial_layer,
};
use crate::signaling::protocol::{Explained, ServerMessage};

/// While fewer can be heard, any change may concern anybody: there may be a free slot. It is more
/// than the slots that an offer may have.
const FEW: usize = 64;
/// How many of those who were heard are remembered.
const HEARD: usize = 32;

impl Room {
    /// The media plane says who speaks now.
    pub fn handle_speakers(
        &mut self,
        active: Option<ParticipantId>,
        speakers: Vec<Option<ParticipantId>>,
    ) {
        // A plane that does not say so has no slots that follow speakers.
        let Some(before) = self.speaking.clone() else { return };
        let present = |id: &ParticipantId| self.seats.get(*id).is_some();
        let active = active.filter(present);
        let speakers: Vec<_> = speakers.into_iter().map(|id| id.filter(present)).collect();
        let previous = match before.active {
            Some(old) if active.is_some() && active != Some(old) => Some(old),
            _ => before.previous,
        };
        let speaking = Speaking { active: active.or(before.active), previous, speakers };
        if before == speaking {
            return;
        }
        for id in speaking.speakers.iter().flatten().copied().chain(active) {
            self.heard.retain(|known| *known != id);
            self.heard.push_front(id);
        }
        self.heard.truncate(HEARD);
        self.speaking = Some(speaking);
        self.announce_speaking();
        self.refill_crowded();
    }

    /// The media plane says what is the best layer of a source that anybody is sent; `None` when
    /// nobody is sent any.
    pub fn handle_demand(&mut self, id: ParticipantId, source: Source, max_spatial: Option<u8>) {
        let seat = self.seats.get_mut(id).filter(|seat| seat.publishes(source));
        if let Some(media) = seat.and_then(|seat| seat.media.as_mut()) {
            media.limits.insert(source, max_spatial);
            let message = ServerMessage::PublishLayers { source, max_spatial };
            self.tell(Audience::One(id), message);
        }
    }

    /// Repeats what a socket that was away may have missed.
    pub(super) fn repeat_demand(&mut self, id: ParticipantId) {
        let media = self.seats.get(id).and_then(|seat| seat.media.as_ref());
        let limits = media.map(|media| media.limits.clone()).unwrap_or_default();
        for (source, max_spatial) in limits {
            let message = ServerMessage::PublishLayers { source, max_spatial };
            self.tell(Audience::One(id), message);
        }
    }

    /// The media plane says why a slot carries what it carries.
    pub fn handle_explanation(&mut self, id: ParticipantId, mid: &str, explained: Explained) {
        let Some(media) = self.seats.get(id).and_then(|seat| seat.media.as_ref()) else { return };
        let Some((spec, content)) = media.slots.iter().find(|(spec, _)| spec.mid == mid) else {
            return;
        };
        let participant_id = match content {
            Some(Content::Stream(stream)) => Some(stream.participant),
            Some(Content::Speaker { rank }) => {
                self.speaking.as_ref().and_then(|speaking| match spec.source() {
                    Source::Camera => speaking.shown_to(id),
                    _ => speaking.speakers.get(usize::from(rank)).copied().flatten(),
                })
            }
            None => None,
        };
        let message = ServerMessage::Explanation {
            mid: mid.to_owned(),
            participant_id,
            source: spec.source(),
            explained,
        };
        self.tell(Audience::One(id), message);
    }

    pub(super) fn forget_speaker(&mut self, id: ParticipantId) {
        self.heard.retain(|known| *known != id);
        let Some(speaking) = self.speaking.as_mut() else { return };
        if speaking.forget(id) {
            self.announce_speaking();
        }
    }

    /// Fills every slot anew that a change of this participant's media can concern.
    pub(super) fn refill_around(&mut self, id: ParticipantId) {
        self.seats.reindex(id);
        let few = self.seats.voice_count() < FEW;
        // Who shares is heard by everybody, and without word of who speaks so may be anybody.
        if few || self.sharing == Some(id) || self.speaking.is_none() {
            return self.refill_all();
        }
        let concerned = |seat: &&Seat| seat.id == id || seat.may_show(id);
        let receivers: Vec<_> = self.seats.iter().filter(concerned).map(|seat| seat.id).collect();
        for receiver in receivers {
            self.refill(receiver);
        }
    }

    pub(super) fn refill_all(&mut self) {
        let receivers: Vec<_> = self.seats.iter().map(|seat| seat.id).collect();
        for id in receivers {
            self.refill(id);
        }
    }

    /// Fills the slots anew of those who show more people than they have slots for, or whoever
    /// speaks: who speaks or is in the spotlight matters to nobody else.
    pub(super) fn refill_crowded(&mut self) {
        let crowded = |seat: &&Seat| {
            seat.shows_speaker() || seat.media.as_ref().is_some_and(|media| media.crowded)
        };
        let receivers: Vec<_> = self.seats.iter().filter(crowded).map(|seat| seat.id).collect();
        for id in receivers {
            self.refill(id);
        }
    }

    pub(super) fn refill(&mut self, id: ParticipantId) {
        let Some(receiver) = self.seats.get(id) else { return };
        let Some(media) = receiver.media.as_ref().filter(|media| media.answered) else { return };
        let follows = self.speaking.is_some();
        // Where slots cannot follow the speaker, the tile shows whoever it is now.
        let speaker_slot = follows && receiver.shows_speaker();
        let sharer = self.sharing.filter(|sharer| *sharer != id);
        let screen = sharer.and_then(|id| self.seats.get(id)).map(|seat| seat.as_screen(receiver));
        let others = self.seats.voice_count() - usize::from(receiver.publishes(Source::Microphone));
        let by_speech = follows && others > media.slots.count(Source::Microphone);
        let audible = || self.seats.voices().filter(|seat| seat.id != id);
        let audio: Vec<_> =
            if by_speech { Vec::new() } else { audible().filter_map(Seat::as_audio).collect() };
        let voices =
            if by_speech { Voices::Speakers(self.speaker_places) } else { Voices::Each(&audio) };
        let video = self.faces_for(receiver);

        let mut slots = media.slots.clone();
        let changed = slots.assign(voices, &video, speaker_slot, screen);
        let fills: Vec<_> = slots
            .iter()
            .map(|(spec, content)| SlotFill {
                mid: spec.mid.clone(),
                content,
                demand: self.demand_of(receiver, spec.source(), content),
            })
            .collect();
        let crowded = video.len() + usize::from(speaker_slot) > slots.count(Source::Camera);

        let Some(media) = self.seats.get_mut(id).and_then(|seat| seat.media.as_mut()) else {
            return;
        };
        media.slots = slots;
        media.crowded = crowded;
        let filled = (media.fills != fills).then(|| Event::Fill(id, fills.clone()));
        media.fills = fills;
        let told = std::mem::replace(&mut media.told, true);
        let news = (changed || !told).then(|| media.slots.assignments());
        if let Some(assignments) = news {
            self.tell(Audience::One(id), ServerMessage::Slots { assignments });
        }
        self.events.extend(filled);
    }

    /// The people whose cameras a receiver shows, in the order of its view. Without a view: who is
    /// there already, then the first who joined, as many as fit.
    fn faces_for(&self, receiver: &Seat) -> Vec<VideoCandidate> {
        let Some(tiles) = &receiver.view else {
            let Some(media) = &receiver.media else { return Vec::new() };
            let count = media.slots.count(Source::Camera);
            let shown = media.slots.people(Source::Camera).filter_map(|id| self.seats.get(id));
            let mut ids: Vec<ParticipantId> = Vec::new();
            for seat in shown.chain(self.seats.faces().take(count + 1)) {
                if seat.id != receiver.id && !ids.contains(&seat.id) {
                    ids.push(seat.id);
                }
            }
            return ids.into_iter().filter_map(|id| self.face(receiver, id)).take(count).collect();
        };
        let mut faces: Vec<VideoCandidate> = Vec::new();
        for tile in tiles.iter().filter(|tile| tile.source == Source::Camera) {
            let Subject::Participant(id) = tile.subject else { continue };
            if id != receiver.id && !faces.iter().any(|face| face.participant == id) {
                faces.extend(self.face(receiver, id));
            }
        }
        faces
    }

    fn face(&self, receiver: &Seat, id: ParticipantId) -> Option<VideoCandidate> {
        let seat = self.seats.get(id)?;
        if !seat.video_enabled || !seat.publishes(Source::Camera) {
            return None;
        }
        let demand = receiver.demand(id, Source::Camera)?;
        let speaking = self.speaking.as_ref();
        Some(VideoCandidate {
            participant: id,
            pinned: demand.important,
            spotlit: self.spotlight == Some(id),
            layer: if receiver.view.is_some() { spatial_layer(demand.height) } else { 2 },
            speaks: speaking.is_some_and(|speaking| speaking.speakers.contains(&Some(id))),
        })
    }

    fn demand_of(&self, receiver: &Seat, source: Source, content: Option<Content>) -> Demand {
        match (source, content) {
            (Source::Camera | Source::Screen, Some(Content::Stream(stream))) => {
                let demand = receiver.demand(stream.participant, source).unwrap_or_default();
                let spotlit = self.spotlight == Some(stream.participant);
                Demand { important: demand.important || spotlit, ..demand }
            }
            (Source::Camera, Some(Content::Speaker { .. })) => receiver.speaker_demand(),
            _ => Demand::default(),
        }
    }
}
