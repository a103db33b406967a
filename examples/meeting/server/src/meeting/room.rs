//! One live meeting: seats, media state, slots and chat.
//!
//! [`Live`](super::Live) calls it under a lock and carries its events out. Every change ends in
//! [`Room::poll_event`]; nothing here waits, sends, stores or reads a clock. Limits on how often a
//! seat may speak are kept here too, so that no path around them exists. `roster` holds who is told
//! of whom, `sending` what each receiver is sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::news::News;
use super::permissions::{self, Action};
use super::seat::{Media, Presence, Seat};
use super::seats::Seats;
use super::{
    Audience, ChatMessage, ChatText, Code, Command, DisplayName, EndReason, Event, LeaveReason,
    MediaChange, MeetingId, MessageId, Moment, Negotiation, Offer, ParticipantId, Refusal, Role,
    SecretHash, SourceSet, Speaking, Tile, Title,
};
use crate::signaling::protocol::ServerMessage;

mod roster;
mod sending;

pub use roster::RosterPage;

/// How many chat messages a newcomer is shown.
const RECENT_CHAT: usize = 100;
const MAX_TILES: usize = 50;

/// What a room may hold and how long it waits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Seats, reserved ones included.
    pub participants: usize,
    /// How long a seat waits for its first socket.
    pub reservation: Duration,
    /// How long a seat waits for a socket that went away.
    pub absence: Duration,
    /// How long a room without seats stays in memory.
    pub empty: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            participants: 250,
            reservation: Duration::from_secs(30),
            absence: Duration::from_secs(30),
            empty: Duration::from_secs(60),
        }
    }
}

/// What is known of a meeting before anybody is in it.
#[derive(Debug, Clone)]
pub struct RoomFacts {
    /// The meeting.
    pub meeting_id: MeetingId,
    /// Its title.
    pub title: Title,
    /// Who presents the key of this hash is a host.
    pub host_key: SecretHash,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// The latest messages, oldest first.
    pub chat: Vec<ChatMessage>,
}

/// A live meeting.
#[derive(Debug)]
pub struct Room {
    facts: RoomFacts,
    limits: Limits,
    seats: Seats,
    news: News,
    sharing: Option<ParticipantId>,
    spotlight: Option<ParticipantId>,
    /// `None` where the media plane does not say who speaks.
    speaking: Option<Speaking>,
    speaker_places: u8,
    /// A large meeting has yet to be told who speaks.
    speaking_is_news: bool,
    /// Who was heard, the last one first.
    heard: VecDeque<ParticipantId>,
    chat: VecDeque<ChatMessage>,
    last_message: Option<MessageId>,
    last_negotiation: u64,
    empty_since: Option<Instant>,
    closed: bool,
    events: VecDeque<Event>,
}

impl Room {
    /// A meeting without anybody in it. The media plane says who speaks and has slots that follow
    /// `speaker_places` of them, or neither at 0.
    #[must_use]
    pub fn new(facts: RoomFacts, limits: Limits, speaker_places: u8, now: Moment) -> Self {
        let chat: VecDeque<_> = facts.chat.iter().cloned().collect();
        Self {
            last_message: chat.back().map(|message| message.message_id),
            chat,
            facts,
            limits,
            seats: Seats::default(),
            news: News::default(),
            sharing: None,
            spotlight: None,
            speaking: (speaker_places > 0).then(Speaking::default),
            speaker_places,
            speaking_is_news: false,
            heard: VecDeque::new(),
            last_negotiation: 0,
            empty_since: Some(now.instant),
            closed: false,
            events: VecDeque::new(),
        }
    }

    /// Reserves a seat; whoever presents the token within [`Limits::reservation`] takes it.
    ///
    /// # Errors
    /// `meeting_full`, or `unavailable` when the room is closed.
    pub fn reserve(
        &mut self,
        id: ParticipantId,
        token: SecretHash,
        name: DisplayName,
        role: Role,
        now: Moment,
    ) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::new(Code::Unavailable, "the meeting is being closed"));
        }
        if self.seats.len() >= self.limits.participants {
            let text = format!("all {} seats are taken", self.limits.participants);
            return Err(Refusal::new(Code::MeetingFull, text));
        }
        let until = now.instant + self.limits.reservation;
        self.seats.add(Seat::reserve(id, token, name, role, until, now.utc));
        self.empty_since = None;
        Ok(())
    }

    /// Whose seat a token opens.
    #[must_use]
    pub fn holder(&self, token: &SecretHash) -> Option<(ParticipantId, Role)> {
        let seat = self.seats.by_token(token)?;
        Some((seat.id, seat.role))
    }

    /// A socket takes the seat, for the first time or again. A newcomer may say what it has
    /// switched off; to one who comes back `media` means nothing.
    ///
    /// # Errors
    /// `not_found` when there is no such seat.
    pub fn connect(&mut self, id: ParticipantId, media: MediaChange) -> Result<(), Refusal> {
        let seat = self.seat_mut(id)?;
        let first = matches!(seat.presence, Presence::Reserved { .. });
        let was_away = matches!(seat.presence, Presence::Away { .. });
        seat.presence = Presence::Connected;
        if first {
            seat.audio_enabled = media.audio_enabled.unwrap_or(seat.audio_enabled);
            seat.video_enabled = media.video_enabled.unwrap_or(seat.video_enabled);
            self.seats.count_in();
            self.enforce(id);
        }
        self.tell(Audience::One(id), self.joined(id, !first)?);
        if first {
            self.announce_arrival(id);
            self.refill_around(id);
        } else {
            self.repeat_demand(id);
        }
        if was_away {
            self.announce(id);
        }
        Ok(())
    }

    /// The seat's socket is gone; the seat and its media stay for [`Limits::absence`].
    pub fn disconnect(&mut self, id: ParticipantId, now: Moment) {
        let until = now.instant + self.limits.absence;
        let Ok(seat) = self.seat_mut(id) else { return };
        if seat.presence == Presence::Connected {
            seat.presence = Presence::Away { until };
            self.announce(id);
        }
    }

    /// Does what a participant asks for, or says why not and changes nothing.
    ///
    /// # Errors
    /// Any code that the protocol lists for the message.
    pub fn handle(
        &mut self,
        from: ParticipantId,
        command: Command,
        now: Moment,
    ) -> Result<(), Refusal> {
        match command {
            Command::Offer(offer) => self.negotiate(from, offer, now),
            Command::SetMedia(whose, change) => self.set_media(from, whose, change, now),
            Command::View(tiles) => self.view(from, tiles),
            Command::Chat(text) => self.say(from, text, now),
            Command::Leave(who) => self.leave(from, who, now),
            Command::Spotlight(who) => self.shine(from, who, now),
            Command::Explain(mid) => self.explain(from, mid),
        }
    }

    /// The media plane answered a negotiation and receives `published`.
    pub fn handle_answer(
        &mut self,
        id: ParticipantId,
        negotiation: u64,
        sdp: String,
        published: SourceSet,
    ) {
        let Some(media) = self.current_media(id, negotiation) else { return };
        media.answered = true;
        media.published = published;
        let offer_id = media.negotiation.offer.offer_id.clone();
        self.tell(Audience::One(id), ServerMessage::Answer { offer_id, sdp });
        self.refill_around(id);
    }

    /// The media plane refused a negotiation; the participant is without media.
    pub fn handle_refused_offer(&mut self, id: ParticipantId, negotiation: u64, refusal: Refusal) {
        if self.current_media(id, negotiation).is_none() {
            return;
        }
        self.tell(Audience::One(id), ServerMessage::error(refusal, Some("offer")));
        self.handle_lost_media(id, negotiation);
    }

    /// A media session failed or was closed by its peer; a new offer is expected.
    pub fn handle_lost_media(&mut self, id: ParticipantId, negotiation: u64) {
        if self.current_media(id, negotiation).is_none() {
            return;
        }
        if let Ok(seat) = self.seat_mut(id) {
            seat.media = None;
        }
        self.events.push_back(Event::CloseMedia(id));
        self.refill_around(id);
    }

    /// Frees seats whose time is up. Call it about once a second.
    pub fn handle_timeout(&mut self, now: Moment) {
        let late = |seat: &&Seat| match seat.presence {
            Presence::Reserved { until } | Presence::Away { until } => until <= now.instant,
            Presence::Connected => false,
        };
        let late: Vec<_> = self.seats.iter().filter(late).map(|seat| seat.id).collect();
        for id in late {
            self.free(id, LeaveReason::Timeout, now);
        }
    }

    /// Whether the room has been without seats for [`Limits::empty`].
    #[must_use]
    pub fn is_forsaken(&self, now: Moment) -> bool {
        let empty = self.empty_since.map(|since| now.instant.saturating_duration_since(since));
        empty.is_some_and(|span| span >= self.limits.empty)
    }

    /// Ends the meeting for everybody; no seat is given any more.
    pub fn close(&mut self, reason: EndReason) {
        self.closed = true;
        for seat in self.seats.take_all() {
            if seat.media.is_some() {
                self.events.push_back(Event::CloseMedia(seat.id));
            }
            self.events.push_back(Event::End(seat.id, reason));
        }
    }

    /// The next thing to be carried out.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The meeting.
    #[must_use]
    pub fn facts(&self) -> &RoomFacts {
        &self.facts
    }

    /// The latest messages, oldest first.
    pub fn recent_chat(&self) -> impl Iterator<Item = &ChatMessage> {
        self.chat.iter()
    }

    fn negotiate(&mut self, id: ParticipantId, offer: Offer, now: Moment) -> Result<(), Refusal> {
        offer.check()?;
        let number = self.last_negotiation + 1;
        let seat = self.seat_mut(id)?;
        if !seat.offers.take(now.instant) {
            return Err(Refusal::new(Code::RateLimited, "too many offers; wait a few seconds"));
        }
        let negotiation = Negotiation { number, offer: Arc::new(offer) };
        seat.media = Some(Media::new(negotiation.clone()));
        self.last_negotiation = number;
        self.events.push_back(Event::Negotiate(id, negotiation));
        self.enforce(id);
        self.refill_around(id);
        Ok(())
    }

    fn set_media(
        &mut self,
        from: ParticipantId,
        whose: ParticipantId,
        change: MediaChange,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.permit(from, whose, Action::SetMedia(change))?;
        let sharing = match change.screen_sharing {
            Some(true) => match self.sharing {
                Some(other) if other != whose => {
                    let text = "somebody else is sharing a screen";
                    return Err(Refusal::new(Code::Conflict, text));
                }
                _ => Some(whose),
            },
            Some(false) => self.sharing.filter(|sharer| *sharer != whose),
            None => self.sharing,
        };
        let before = self.seat(whose)?.media_state(self.sharing);
        self.pace(from, now)?;
        self.sharing = sharing;
        let seat = self.seat_mut(whose)?;
        seat.audio_enabled = change.audio_enabled.unwrap_or(seat.audio_enabled);
        seat.video_enabled = change.video_enabled.unwrap_or(seat.video_enabled);
        if let Some(state) = self.media_state(whose).filter(|state| *state != before) {
            self.announce(whose);
            self.enforce(whose);
            self.seats.reindex(whose);
            if state.screen_sharing == before.screen_sharing {
                self.refill_around(whose);
            } else {
                self.refill_all();
            }
        }
        Ok(())
    }

    fn view(&mut self, id: ParticipantId, tiles: Vec<Tile>) -> Result<(), Refusal> {
        if tiles.len() > MAX_TILES {
            return Err(Refusal::field("tiles", format!("must have at most {MAX_TILES} entries")));
        }
        self.seat_mut(id)?.view = Some(tiles);
        self.refill(id);
        Ok(())
    }

    fn shine(
        &mut self,
        from: ParticipantId,
        who: Option<ParticipantId>,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.permit(from, who.unwrap_or(from), Action::Spotlight)?;
        self.pace(from, now)?;
        if self.spotlight != who {
            self.spotlight = who;
            self.tell(Audience::Everyone, ServerMessage::Spotlight { participant_id: who });
            self.refill_crowded();
        }
        Ok(())
    }

    fn explain(&mut self, id: ParticipantId, mid: String) -> Result<(), Refusal> {
        let media = self.seat(id)?.media.as_ref().filter(|media| media.answered);
        let known = media.is_some_and(|media| media.slots.iter().any(|(spec, _)| spec.mid == mid));
        if !known {
            return Err(Refusal::field("mid", "is none of your slots"));
        }
        self.events.push_back(Event::Explain(id, mid));
        Ok(())
    }

    fn say(&mut self, id: ParticipantId, message: ChatText, now: Moment) -> Result<(), Refusal> {
        let sender_name = self.seat(id)?.name.clone();
        self.pace(id, now)?;
        let message_id = MessageId::after(self.last_message, now.unix_ms());
        let message =
            ChatMessage { message_id, sender_id: id, sender_name, message, sent_at: now.utc };
        self.last_message = Some(message_id);
        if self.chat.len() >= RECENT_CHAT {
            self.chat.pop_front();
        }
        self.chat.push_back(message.clone());
        self.events.push_back(Event::Persist(message.clone()));
        self.tell(Audience::Everyone, ServerMessage::ChatBroadcast(message));
        Ok(())
    }

    fn leave(
        &mut self,
        from: ParticipantId,
        who: ParticipantId,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.permit(from, who, Action::Leave)?;
        let reason = if from == who { LeaveReason::Left } else { LeaveReason::Removed };
        self.free(who, reason, now);
        Ok(())
    }

    fn free(&mut self, id: ParticipantId, reason: LeaveReason, now: Moment) {
        let Some(seat) = self.seats.remove(id) else { return };
        let shared = self.sharing == Some(id);
        self.sharing = self.sharing.filter(|sharer| *sharer != id);
        if seat.media.is_some() {
            self.events.push_back(Event::CloseMedia(id));
        }
        if seat.is_present() {
            self.announce_departure(id, reason);
        }
        if self.spotlight == Some(id) {
            self.spotlight = None;
            self.tell(Audience::Everyone, ServerMessage::Spotlight { participant_id: None });
        }
        self.forget_speaker(id);
        let end = match reason {
            LeaveReason::Removed => EndReason::Removed,
            LeaveReason::Left | LeaveReason::Timeout => EndReason::Left,
        };
        self.events.push_back(Event::End(id, end));
        if shared {
            self.refill_all();
        } else {
            self.refill_around(id);
        }
        if self.seats.is_empty() {
            self.empty_since = Some(now.instant);
        }
    }

    fn permit(
        &self,
        from: ParticipantId,
        whose: ParticipantId,
        action: Action,
    ) -> Result<(), Refusal> {
        let role = self.seat(from)?.role;
        self.seat(whose)?;
        if permissions::may(role, action, from == whose) {
            return Ok(());
        }
        Err(Refusal::new(Code::Forbidden, "your role does not allow this for somebody else"))
    }

    fn pace(&mut self, id: ParticipantId, now: Moment) -> Result<(), Refusal> {
        if self.seat_mut(id)?.announcements.take(now.instant) {
            return Ok(());
        }
        Err(Refusal::new(Code::RateLimited, "too many changes; wait a few seconds"))
    }

    /// What the media plane may forward, whatever the client sends.
    fn enforce(&mut self, id: ParticipantId) {
        let Ok(seat) = self.seat(id) else { return };
        let sources = seat.allowed(self.sharing);
        self.events.push_back(Event::Send(id, sources));
    }

    fn tell(&mut self, audience: Audience, message: ServerMessage) {
        self.events.push_back(Event::Tell(audience, message));
    }

    fn seat(&self, id: ParticipantId) -> Result<&Seat, Refusal> {
        self.seats.get(id).ok_or_else(no_seat)
    }

    fn seat_mut(&mut self, id: ParticipantId) -> Result<&mut Seat, Refusal> {
        self.seats.get_mut(id).ok_or_else(no_seat)
    }

    fn current_media(&mut self, id: ParticipantId, negotiation: u64) -> Option<&mut Media> {
        let media = self.seat_mut(id).ok()?.media.as_mut()?;
        (media.negotiation.number == negotiation).then_some(media)
    }
}

fn no_seat() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such participant in this meeting")
}

#[cfg(test)]
mod tests;
