//! A room with its sockets, its media and its store: the only place where they meet.
//!
//! Every call locks the room for as long as a few table look-ups take, lets it decide, and carries
//! its events out without waiting: sockets have bounded queues, media follows a plan, chat goes to a
//! writer. A slow peer, a slow disk or a busy media plane therefore never holds up a meeting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tracing::debug;

use super::{
    Audience, ChatMessage, Code, Command, DisplayName, EndReason, Event, Limits, MediaChange,
    MediaState, MeetingId, Moment, ParticipantId, Refusal, Role, Room, RoomFacts, RosterPage,
    Secret, SecretHash,
};
use crate::media::{Desk, MediaPlane, Report};
use crate::metrics::Metrics;
use crate::signaling::protocol::ServerMessage;
use crate::signaling::{Closing, Outbox, Outgoing};
use crate::store::ChatWriter;

/// What meetings share.
#[derive(Clone)]
pub struct Services {
    /// Where media sessions are made.
    pub media: Arc<dyn MediaPlane>,
    /// Where chat goes.
    pub chat: ChatWriter,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services(..)")
    }
}

/// One socket's hold on a seat. A later socket on the same seat makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The seat.
    pub participant: ParticipantId,
    number: u64,
}

/// A live meeting, shared by its sockets and requests.
#[derive(Debug)]
pub struct Live {
    meeting_id: MeetingId,
    state: Mutex<State>,
    desk: Arc<Desk>,
    services: Services,
}

#[derive(Debug)]
struct State {
    room: Room,
    sockets: HashMap<ParticipantId, Socket>,
    last_connection: u64,
}

#[derive(Debug)]
struct Socket {
    number: u64,
    outbox: Outbox,
}

impl Live {
    /// Opens a meeting and starts its media. Must be called within a Tokio runtime.
    #[must_use]
    pub fn open(facts: RoomFacts, limits: Limits, services: Services, now: Moment) -> Arc<Self> {
        let speaker_places = services.media.speaker_places();
        Arc::new_cyclic(|live: &Weak<Self>| {
            let live = live.clone();
            let desk = Desk::open(Arc::clone(&services.media), facts.meeting_id, move |report| {
                if let Some(live) = live.upgrade() {
                    live.handle_report(report);
                }
            });
            Self {
                meeting_id: facts.meeting_id,
                state: Mutex::new(State {
                    room: Room::new(facts, limits, speaker_places, now),
                    sockets: HashMap::new(),
                    last_connection: 0,
                }),
                desk,
                services,
            }
        })
    }

    /// Reserves a seat and returns its id and the token that opens it.
    ///
    /// # Errors
    /// `meeting_full`; `unavailable` when the meeting was released meanwhile.
    pub fn reserve(
        &self,
        name: DisplayName,
        role: Role,
        now: Moment,
    ) -> Result<(ParticipantId, Secret), Refusal> {
        let (id, token) = (ParticipantId::random(), Secret::random());
        self.lock().room.reserve(id, token.hash(), name, role, now)?;
        Ok((id, token))
    }

    /// A socket takes the seat that `token` opens; an earlier socket on it is closed. A newcomer has
    /// switched off what `media` says.
    ///
    /// # Errors
    /// `unauthorized` when no seat has this token.
    pub fn connect(
        &self,
        token: &SecretHash,
        media: MediaChange,
        outbox: Outbox,
        now: Moment,
    ) -> Result<Connection, Refusal> {
        let mut state = self.lock();
        let (participant, _) = state.room.holder(token).ok_or_else(bad_token)?;
        if let Some(old) = state.sockets.remove(&participant) {
            old.outbox.end(EndReason::Replaced);
        }
        state.last_connection += 1;
        let number = state.last_connection;
        state.sockets.insert(participant, Socket { number, outbox });
        state.room.connect(participant, media)?;
        self.carry_out(&mut state, now);
        Ok(Connection { participant, number })
    }

    /// Does what a socket asks for.
    ///
    /// # Errors
    /// The room's refusals; `unauthorized` when the connection is void.
    pub fn handle(
        &self,
        connection: Connection,
        command: Command,
        now: Moment,
    ) -> Result<(), Refusal> {
        let mut state = self.lock();
        if !state.holds(connection) {
            return Err(Refusal::new(Code::Unauthorized, "the seat was given up or taken over"));
        }
        state.room.handle(connection.participant, command, now)?;
        self.carry_out(&mut state, now);
        Ok(())
    }

    /// Does what the bearer of a token asks for, and says with `answer` what came of it.
    ///
    /// # Errors
    /// The room's refusals.
    pub fn handle_request<T>(
        &self,
        from: ParticipantId,
        command: Command,
        now: Moment,
        answer: impl FnOnce(&Room) -> T,
    ) -> Result<T, Refusal> {
        let mut state = self.lock();
        state.room.handle(from, command, now)?;
        let answer = answer(&state.room);
        self.carry_out(&mut state, now);
        Ok(answer)
    }

    /// The socket is gone. Nothing happens when another one has the seat.
    pub fn disconnect(&self, connection: Connection, now: Moment) {
        let mut state = self.lock();
        if state.holds(connection) {
            state.sockets.remove(&connection.participant);
            state.room.disconnect(connection.participant, now);
            self.carry_out(&mut state, now);
        }
    }

    /// Whose seat a token opens.
    ///
    /// # Errors
    /// `unauthorized` when no seat has this token.
    pub fn holder(&self, token: &SecretHash) -> Result<ParticipantId, Refusal> {
        self.lock().room.holder(token).map(|(id, _)| id).ok_or_else(bad_token)
    }

    /// Frees seats whose time is up.
    pub fn handle_timeout(&self, now: Moment) {
        let mut state = self.lock();
        state.room.handle_timeout(now);
        self.carry_out(&mut state, now);
    }

    /// Tells a large meeting what has changed in it.
    pub fn tell_news(&self, now: Moment) {
        let mut state = self.lock();
        state.room.tell_news();
        self.carry_out(&mut state, now);
    }

    /// Closes the meeting when nobody has been in it for long enough, and says whether it did.
    pub fn close_if_forsaken(&self, now: Moment) -> bool {
        let forsaken = self.lock().room.is_forsaken(now);
        if forsaken {
            self.close(EndReason::MeetingEnded, now);
        }
        forsaken
    }

    /// Ends the meeting for everybody.
    pub fn close(&self, reason: EndReason, now: Moment) {
        let mut state = self.lock();
        state.room.close(reason);
        self.carry_out(&mut state, now);
        self.desk.close();
    }

    /// What is known of the meeting.
    #[must_use]
    pub fn facts(&self) -> RoomFacts {
        RoomFacts { chat: Vec::new(), ..self.lock().room.facts().clone() }
    }

    /// How many people are present.
    #[must_use]
    pub fn participant_count(&self) -> usize {
        self.lock().room.participant_count()
    }

    /// The people who joined after `after` (a page's `next`), at most `limit`.
    #[must_use]
    pub fn roster_page(&self, after: u64, limit: usize) -> RosterPage {
        self.lock().room.roster_page(after, limit)
    }

    /// These people, as far as they are present.
    #[must_use]
    pub fn roster_of(&self, ids: &[ParticipantId]) -> RosterPage {
        self.lock().room.roster_of(ids)
    }

    /// The media state of one participant.
    #[must_use]
    pub fn media_state(&self, id: ParticipantId) -> Option<MediaState> {
        self.lock().room.media_state(id)
    }

    /// The latest messages, oldest first.
    #[must_use]
    pub fn recent_chat(&self) -> Vec<ChatMessage> {
        self.lock().room.recent_chat().cloned().collect()
    }

    fn handle_report(&self, report: Report) {
        let now = Moment::now();
        let mut state = self.lock();
        match report {
            Report::Answered { participant, negotiation, sdp, published } => {
                state.room.handle_answer(participant, negotiation, sdp, published);
            }
            Report::Refused { participant, negotiation, refusal } => {
                state.room.handle_refused_offer(participant, negotiation, refusal);
            }
            Report::Lost { participant, negotiation } => {
                debug!(meeting = %self.meeting_id, %participant, "media session lost");
                state.room.handle_lost_media(participant, negotiation);
            }
            Report::Speakers { active, speakers } => state.room.handle_speakers(active, speakers),
            Report::Demand { participant, source, max_spatial } => {
                state.room.handle_demand(participant, source, max_spatial);
            }
            Report::Explained { participant, mid, explained } => {
                state.room.handle_explanation(participant, &mid, explained);
            }
        }
        self.carry_out(&mut state, now);
    }

    fn carry_out(&self, state: &mut State, now: Moment) {
        while let Some(event) = state.room.poll_event() {
            match event {
                Event::Tell(audience, message) => state.tell(audience, &message, now),
                Event::Negotiate(id, negotiation) => self.desk.negotiate(id, negotiation),
                Event::Send(id, sources) => self.desk.send(id, sources),
                Event::Fill(id, fills) => self.desk.fill(id, fills),
                Event::CloseMedia(id) => self.desk.close_session(id),
                Event::Explain(id, mid) => self.desk.explain(id, mid),
                Event::End(id, reason) => {
                    if let Some(socket) = state.sockets.remove(&id) {
                        socket.outbox.end(reason);
                    }
                }
                Event::Persist(message) => self.services.chat.write(self.meeting_id, message),
            }
        }
    }

    /// A panic under the lock is a defect that has been reported already; the room is plain data and
    /// the meeting goes on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl State {
    fn holds(&self, connection: Connection) -> bool {
        let socket = self.sockets.get(&connection.participant);
        socket.is_some_and(|socket| socket.number == connection.number)
    }

    /// A socket whose queue is full is given up: its client resumes with a fresh picture.
    fn tell(&mut self, audience: Audience, message: &ServerMessage, now: Moment) {
        let addressed = |id: ParticipantId| match audience {
            Audience::One(one) => id == one,
            Audience::Others(one) => id != one,
            Audience::Everyone => true,
        };
        let frame = Outgoing::text(message);
        let mut too_slow = Vec::new();
        for (id, socket) in self.sockets.iter().filter(|(id, _)| addressed(**id)) {
            if !socket.outbox.push(frame.clone()) {
                too_slow.push(*id);
            }
        }
        for id in too_slow {
            if let Some(socket) = self.sockets.remove(&id) {
                socket.outbox.give_up(Closing::TooSlow);
            }
            self.room.disconnect(id, now);
        }
    }
}

fn bad_token() -> Refusal {
    Refusal::new(Code::Unauthorized, "the token opens no seat in this meeting")
}
