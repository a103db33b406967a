use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::meeting::{Kind, SlotRole, SlotSpec, Source, Stream, Track};

struct Table {
    room: Room,
    now: Moment,
    people: u64,
}

impl Table {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let now = Moment::now();
        let facts = RoomFacts {
            meeting_id: MeetingId::random(),
            title: Title::untitled(),
            host_key: SecretHash::of("key"),
            created_at: now.utc,
            chat: Vec::new(),
        };
        Self { room: Room::new(facts, limits, now), now, people: 0 }
    }

    fn reserve(&mut self, role: Role) -> Result<ParticipantId, Refusal> {
        self.people += 1;
        let id = ParticipantId::from_number(self.people);
        let name = DisplayName::parse(&format!("Person {}", self.people)).unwrap();
        self.room.reserve(id, SecretHash::of(&id.to_string()), name, role, self.now)?;
        Ok(id)
    }

    fn sit(&mut self) -> ParticipantId {
        let id = self.reserve(Role::Participant).unwrap();
        self.room.connect(id).unwrap();
        id
    }

    /// Sits down with microphone, camera and screen, and two pairs of slots and one for a screen.
    fn sit_with_media(&mut self) -> ParticipantId {
        let id = self.sit();
        self.negotiate(id);
        id
    }

    fn negotiate(&mut self, id: ParticipantId) {
        self.room.handle(id, Command::Offer(offer()), self.now).unwrap();
        let number = self.room.last_negotiation;
        let all = Source::ALL.into_iter().collect();
        self.room.handle_answer(id, number, "v=0".into(), all);
    }

    fn set(&mut self, id: ParticipantId, change: MediaChange) -> Result<(), Refusal> {
        self.room.handle(id, Command::SetMedia(id, change), self.now)
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.room.handle_timeout(self.now);
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.room.poll_event()).collect()
    }

    /// What `id` is told.
    fn told(&mut self, id: ParticipantId) -> Vec<ServerMessage> {
        let told = self.events().into_iter().filter_map(|event| match event {
            Event::Tell(Audience::Everyone, message) => Some(message),
            Event::Tell(Audience::One(one), message) if one == id => Some(message),
            Event::Tell(Audience::Others(other), message) if other != id => Some(message),
            _ => None,
        });
        told.collect()
    }

    fn streams(&self, id: ParticipantId) -> BTreeMap<String, Option<Stream>> {
        let media = self.room.seat(id).unwrap().media.as_ref().unwrap();
        media.slots.iter().map(|(spec, stream)| (spec.mid.clone(), stream)).collect()
    }

    fn carried(&self, id: ParticipantId, source: Source) -> Vec<ParticipantId> {
        let streams = self.streams(id).into_values().flatten();
        streams.filter(|stream| stream.source == source).map(|stream| stream.participant).collect()
    }
}

fn offer() -> Offer {
    let track = |(mid, source): (usize, Source)| Track { mid: mid.to_string(), source };
    let slot = |mid: &str, kind, role| SlotSpec { mid: mid.into(), kind, role };
    Offer {
        offer_id: 1.into(),
        sdp: "v=0".into(),
        tracks: Source::ALL.into_iter().enumerate().map(track).collect(),
        slots: vec![
            slot("a0", Kind::Audio, SlotRole::Participant),
            slot("v0", Kind::Video, SlotRole::Participant),
            slot("a1", Kind::Audio, SlotRole::Participant),
            slot("v1", Kind::Video, SlotRole::Participant),
            slot("sa", Kind::Audio, SlotRole::Screen),
            slot("sv", Kind::Video, SlotRole::Screen),
        ],
    }
}

const MUTED: MediaChange =
    MediaChange { audio_enabled: Some(false), video_enabled: None, screen_sharing: None };
const CAMERA_OFF: MediaChange =
    MediaChange { audio_enabled: None, video_enabled: Some(false), screen_sharing: None };

fn screen(active: bool) -> MediaChange {
    MediaChange { screen_sharing: Some(active), ..MediaChange::default() }
}

#[test]
fn a_reserved_seat_is_invisible_until_it_is_taken() {
    let mut table = Table::new();
    let ada = table.sit();
    let bob = table.reserve(Role::Participant).unwrap();
    assert_eq!(table.room.roster().len(), 1);
    table.events();
    table.room.connect(bob).unwrap();
    assert_eq!(table.room.roster().len(), 2);
    assert!(matches!(
        table.told(ada).as_slice(),
        [ServerMessage::ParticipantJoined { participant }] if participant.participant_id == bob
    ));
}

#[test]
fn a_newcomer_is_told_everything_and_not_its_own_arrival() {
    let mut table = Table::new();
    let ada = table.sit();
    table.room.handle(ada, Command::Chat(ChatText::parse("hi").unwrap()), table.now).unwrap();
    table.events();
    let bob = table.sit();
    let told = table.told(bob);
    let [ServerMessage::Joined(joined)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(joined.participant_id, bob);
    assert!(!joined.resumed);
    assert_eq!(joined.participants.len(), 2);
    assert_eq!(joined.chat.len(), 1);
}

#[test]
fn a_reservation_that_nobody_takes_frees_its_seat() {
    let mut table = Table::with(Limits { participants: 1, ..Limits::default() });
    table.reserve(Role::Participant).unwrap();
    assert_eq!(table.reserve(Role::Participant).unwrap_err().code, Code::MeetingFull);
    table.wait(Limits::default().reservation);
    let ada = table.reserve(Role::Participant).unwrap();
    table.room.connect(ada).unwrap();
    assert_eq!(table.room.roster().len(), 1);
}

#[test]
fn a_seat_and_its_media_outlive_a_dropped_socket_for_a_while() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    table.events();
    table.room.disconnect(ada, table.now);
    assert!(matches!(
        table.told(bob).as_slice(),
        [ServerMessage::MediaState(state)] if state.participant_id == ada && !state.connected
    ));
    table.wait(Limits::default().absence / 2);
    assert_eq!(table.carried(bob, Source::Microphone), [ada]);

    table.room.connect(ada).unwrap();
    let told = table.told(ada);
    let [ServerMessage::Joined(joined), ServerMessage::MediaState(state)] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(joined.resumed && state.connected);
    assert!(joined.slots.iter().any(|slot| slot.participant_id == Some(bob)));

    table.room.disconnect(ada, table.now);
    table.events();
    table.wait(Limits::default().absence);
    let events = table.events();
    assert!(events.iter().any(|event| matches!(event, Event::CloseMedia(id) if *id == ada)));
    assert_eq!(table.room.roster().len(), 1);
    assert_eq!(table.carried(bob, Source::Microphone), []);
}

#[test]
fn media_flows_once_both_sides_have_answers() {
    let mut table = Table::new();
    let ada = table.sit_with_media();
    let bob = table.sit();
    table.room.handle(bob, Command::Offer(offer()), table.now).unwrap();
    assert_eq!(table.carried(ada, Source::Camera), []);
    table.events();
    let number = table.room.last_negotiation;
    let published = [Source::Microphone].into_iter().collect();
    table.room.handle_answer(bob, number, "v=0".into(), published);
    assert_eq!(table.carried(ada, Source::Microphone), [bob]);
    assert_eq!(table.carried(ada, Source::Camera), [], "bob's camera was not accepted");
    assert_eq!(table.carried(bob, Source::Camera), [ada]);
    let told = table.told(bob);
    assert!(matches!(told.as_slice(), [ServerMessage::Answer { .. }, ServerMessage::Slots { .. }]));
}

#[test]
fn an_answer_to_a_replaced_offer_is_void() {
    let mut table = Table::new();
    let ada = table.sit();
    table.room.handle(ada, Command::Offer(offer()), table.now).unwrap();
    let first = table.room.last_negotiation;
    table.room.handle(ada, Command::Offer(offer()), table.now).unwrap();
    table.events();
    table.room.handle_answer(ada, first, "v=0".into(), SourceSet::EMPTY);
    table.room.handle_lost_media(ada, first);
    assert!(table.events().is_empty());
}

#[test]
fn mute_and_camera_off_are_enforced() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    table.events();
    table.set(ada, MUTED).unwrap();
    table.set(ada, CAMERA_OFF).unwrap();
    let sent: Vec<_> = table
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Send(id, sources) if id == ada => Some(sources),
            _ => None,
        })
        .collect();
    let last = sent.last().unwrap();
    assert!(!last.contains(Source::Microphone) && !last.contains(Source::Camera));
    assert_eq!(table.carried(bob, Source::Camera), []);
    assert_eq!(table.carried(bob, Source::Microphone), [ada], "a free slot is kept for unmuting");
}

#[test]
fn one_screen_at_a_time() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    table.set(ada, screen(true)).unwrap();
    assert_eq!(table.carried(bob, Source::Screen), [ada]);
    assert_eq!(table.carried(ada, Source::Screen), []);
    assert_eq!(table.set(bob, screen(true)).unwrap_err().code, Code::Conflict);
    table.set(bob, screen(false)).unwrap();
    assert_eq!(table.carried(bob, Source::Screen), [ada]);
    table.room.handle(ada, Command::Leave(ada), table.now).unwrap();
    table.set(bob, screen(true)).unwrap();
}

#[test]
fn what_is_not_shown_is_not_sent() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    let tile = |height| Tile { participant_id: bob, source: Source::Camera, width: 1, height };
    let layer = |table: &mut Table| {
        table.events().into_iter().rev().find_map(|event| match event {
            Event::Fill(id, fills) if id == ada => {
                fills.into_iter().find(|fill| fill.mid == "v0").map(|fill| fill.spatial_layer)
            }
            _ => None,
        })
    };
    assert_eq!(layer(&mut table), Some(2), "without a view everything is sent");
    table.room.handle(ada, Command::View(vec![tile(300)]), table.now).unwrap();
    assert_eq!(layer(&mut table), Some(1));
    table.room.handle(ada, Command::View(vec![tile(310)]), table.now).unwrap();
    assert_eq!(layer(&mut table), None, "nothing changes");
    table.room.handle(ada, Command::View(Vec::new()), table.now).unwrap();
    assert_eq!(table.carried(ada, Source::Camera), []);
    assert_eq!(table.carried(ada, Source::Microphone), [bob]);
    let tiles = vec![tile(1); MAX_TILES + 1];
    let refusal = table.room.handle(ada, Command::View(tiles), table.now).unwrap_err();
    assert_eq!(refusal.fields[0].field, "tiles");
}

#[test]
fn a_host_may_silence_and_remove_and_others_may_not() {
    let mut table = Table::new();
    let ada = table.sit();
    let host = table.reserve(Role::Host).unwrap();
    table.room.connect(host).unwrap();
    let mute = |who| Command::SetMedia(who, MUTED);
    let unmute = |who| {
        let change = MediaChange { audio_enabled: Some(true), ..MediaChange::default() };
        Command::SetMedia(who, change)
    };
    let now = table.now;
    assert_eq!(table.room.handle(ada, mute(host), now).unwrap_err().code, Code::Forbidden);
    assert_eq!(
        table.room.handle(ada, Command::Leave(host), now).unwrap_err().code,
        Code::Forbidden
    );
    table.room.handle(host, mute(ada), now).unwrap();
    assert!(!table.room.media_state(ada).unwrap().audio_enabled);
    assert_eq!(table.room.handle(host, unmute(ada), now).unwrap_err().code, Code::Forbidden);
    table.events();
    table.room.handle(host, Command::Leave(ada), now).unwrap();
    let events = table.events();
    assert!(events.iter().any(|e| matches!(e, Event::End(id, EndReason::Removed) if *id == ada)));
    let stranger = ParticipantId::from_number(99);
    assert_eq!(table.room.handle(host, mute(stranger), now).unwrap_err().code, Code::NotFound);
}

#[test]
fn nobody_can_flood_the_others() {
    let mut table = Table::new();
    let ada = table.sit();
    let say = || Command::Chat(ChatText::parse("x").unwrap());
    let accepted = (0..1000).take_while(|_| table.room.handle(ada, say(), table.now).is_ok());
    assert!((1..50).contains(&accepted.count()));
    let refusal = table.room.handle(ada, say(), table.now).unwrap_err();
    assert_eq!(refusal.code, Code::RateLimited);
    table.wait(Duration::from_secs(1));
    table.room.handle(ada, say(), table.now).unwrap();
}

#[test]
fn only_the_latest_chat_is_kept() {
    let mut table = Table::new();
    let ada = table.sit();
    for number in 0..150 {
        let text = ChatText::parse(&number.to_string()).unwrap();
        table.wait(Duration::from_secs(1));
        table.room.handle(ada, Command::Chat(text), table.now).unwrap();
    }
    let texts: Vec<_> = table.room.recent_chat().map(|m| m.message.to_string()).collect();
    assert_eq!(texts, (50..150).map(|number| number.to_string()).collect::<Vec<_>>());
    let ids: Vec<_> = table.room.recent_chat().map(|message| message.message_id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_room_without_people_is_forsaken_after_a_while() {
    let mut table = Table::new();
    let ada = table.sit();
    table.wait(Limits::default().empty * 2);
    assert!(!table.room.is_forsaken(table.now));
    table.room.handle(ada, Command::Leave(ada), table.now).unwrap();
    assert!(!table.room.is_forsaken(table.now));
    table.wait(Limits::default().empty);
    assert!(table.room.is_forsaken(table.now));
    table.room.close(EndReason::MeetingEnded);
    assert_eq!(table.reserve(Role::Participant).unwrap_err().code, Code::Unavailable);
}

#[test]
fn offers_that_cannot_be_are_refused_by_field() {
    let mut table = Table::new();
    let ada = table.sit();
    let mut field = |change: fn(&mut Offer)| {
        let mut offer = offer();
        change(&mut offer);
        let refusal = table.room.handle(ada, Command::Offer(offer), table.now).unwrap_err();
        refusal.fields[0].field.clone()
    };
    assert_eq!(field(|offer| offer.sdp.clear()), "sdp");
    assert_eq!(field(|offer| offer.sdp = "x".repeat(300_000)), "sdp");
    assert_eq!(field(|offer| offer.tracks[1].mid = "0".into()), "tracks[1].mid");
    assert_eq!(field(|offer| offer.slots[0].mid = "0".into()), "slots[0].mid");
    assert_eq!(field(|offer| offer.slots[0].mid.clear()), "slots[0].mid");
    assert_eq!(field(|offer| offer.tracks[1].source = Source::Microphone), "tracks[1].source");
    assert_eq!(field(|offer| offer.slots = vec![offer.slots[0].clone(); 65]), "slots");
}

#[derive(Debug, Clone)]
enum Step {
    Sit,
    Connect(usize),
    Disconnect(usize),
    Leave(usize),
    Offer(usize),
    Answer(usize),
    Lose(usize),
    Mute(usize, bool),
    Camera(usize, bool),
    Screen(usize, bool),
    View(usize, Vec<(usize, u32)>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..6_usize;
    prop_oneof![
        2 => Just(Step::Sit),
        4 => who.clone().prop_map(Step::Connect),
        1 => who.clone().prop_map(Step::Disconnect),
        1 => who.clone().prop_map(Step::Leave),
        3 => who.clone().prop_map(Step::Offer),
        4 => who.clone().prop_map(Step::Answer),
        1 => who.clone().prop_map(Step::Lose),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::Mute(who, on)),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::Camera(who, on)),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::Screen(who, on)),
        1 => (who, proptest::collection::vec((0..6_usize, 0..1000_u32), 0..4))
            .prop_map(|(who, tiles)| Step::View(who, tiles)),
        1 => (0..40_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens in whatever order: what clients were told last is what holds, and nobody
    /// is sent what its sender withholds.
    #[test]
    fn any_history_keeps_the_rules(steps in proptest::collection::vec(step(), 1..80)) {
        let mut table = Table::new();
        let mut ids: Vec<ParticipantId> = Vec::new();
        let mut told: BTreeMap<ParticipantId, Vec<crate::meeting::Assignment>> = BTreeMap::new();
        let mut sending: BTreeMap<ParticipantId, SourceSet> = BTreeMap::new();
        for step in steps {
            let id = |index: usize| ids.get(index).copied().unwrap_or(ParticipantId::from_number(0));
            let now = table.now;
            match step {
                Step::Sit if ids.len() < 6 => ids.push(table.reserve(Role::Participant).unwrap()),
                Step::Sit => {}
                Step::Connect(who) => { let _ = table.room.connect(id(who)); }
                Step::Disconnect(who) => table.room.disconnect(id(who), now),
                Step::Leave(who) => {
                    let _ = table.room.handle(id(who), Command::Leave(id(who)), now);
                }
                Step::Offer(who) => {
                    let _ = table.room.handle(id(who), Command::Offer(offer()), now);
                }
                Step::Answer(who) => {
                    let number = table.room.seat(id(who)).ok()
                        .and_then(|seat| seat.media.as_ref())
                        .filter(|media| !media.answered)
                        .map(|media| media.negotiation.number);
                    if let Some(number) = number {
                        let all = Source::ALL.into_iter().collect();
                        table.room.handle_answer(id(who), number, "v=0".into(), all);
                    }
                }
                Step::Lose(who) => {
                    let number = table.room.seat(id(who)).ok()
                        .and_then(|seat| seat.media.as_ref())
                        .map(|media| media.negotiation.number);
                    table.room.handle_lost_media(id(who), number.unwrap_or(0));
                }
                Step::Mute(who, on) => {
                    let change = MediaChange { audio_enabled: Some(on), ..MediaChange::default() };
                    let _ = table.set(id(who), change);
                }
                Step::Camera(who, on) => {
                    let change = MediaChange { video_enabled: Some(on), ..MediaChange::default() };
                    let _ = table.set(id(who), change);
                }
                Step::Screen(who, on) => { let _ = table.set(id(who), screen(on)); }
                Step::View(who, tiles) => {
                    let tiles = tiles.into_iter().map(|(whose, height)| Tile {
                        participant_id: id(whose), source: Source::Camera, width: height, height,
                    });
                    let _ = table.room.handle(id(who), Command::View(tiles.collect()), now);
                }
                Step::Wait(seconds) => table.wait(Duration::from_secs(seconds)),
            }
            for event in table.events() {
                match event {
                    Event::Tell(Audience::One(id), ServerMessage::Slots { assignments }) => {
                        told.insert(id, assignments);
                    }
                    Event::Negotiate(id, _) => {
                        told.remove(&id);
                        sending.insert(id, SourceSet::EMPTY);
                    }
                    Event::Send(id, sources) => { sending.insert(id, sources); }
                    Event::CloseMedia(id) => { told.remove(&id); }
                    _ => {}
                }
            }
            for seat in &table.room.seats {
                let Some(media) = seat.media.as_ref() else { continue };
                if media.answered {
                    prop_assert_eq!(told.get(&seat.id), Some(&media.slots.assignments()));
                    prop_assert_eq!(sending.get(&seat.id), Some(&seat.allowed(table.room.sharing)));
                }
                for (_, stream) in media.slots.iter() {
                    let Some(stream) = stream else { continue };
                    prop_assert_ne!(stream.participant, seat.id, "somebody receives itself");
                    let sender = table.room.seat(stream.participant).unwrap();
                    prop_assert!(sender.is_present() && sender.publishes(stream.source));
                    if stream.source != Source::Microphone {
                        prop_assert!(sender.allowed(table.room.sharing).contains(stream.source));
                    }
                }
            }
        }
    }
}
