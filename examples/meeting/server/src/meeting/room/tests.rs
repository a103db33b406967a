use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::meeting::{
    Assignment, Content, Kind, MediaState, SlotRole, SlotSpec, Source, Subject, Track,
};
use crate::signaling::protocol::Explained;

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
        Self::open(limits, false)
    }

    /// A room whose media plane says who speaks.
    fn that_hears() -> Self {
        Self::open(Limits::default(), true)
    }

    fn open(limits: Limits, tells_speakers: bool) -> Self {
        let places = if tells_speakers { 3 } else { 0 };
        let now = Moment::now();
        let facts = RoomFacts {
            meeting_id: MeetingId::random(),
            title: Title::untitled(),
            host_key: SecretHash::of("key"),
            created_at: now.utc,
            chat: Vec::new(),
        };
        Self { room: Room::new(facts, limits, places, now), now, people: 0 }
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
        self.connect(id);
        id
    }

    fn connect(&mut self, id: ParticipantId) {
        self.room.connect(id, MediaChange::default()).unwrap();
    }

    fn sit_as_host(&mut self) -> ParticipantId {
        let id = self.reserve(Role::Host).unwrap();
        self.connect(id);
        id
    }

    fn present(&self) -> usize {
        let page = self.room.roster_page(0, usize::MAX);
        assert_eq!(page.participants.len(), self.room.participant_count());
        page.participant_count
    }

    fn view(&mut self, id: ParticipantId, tiles: Vec<Tile>) {
        self.room.handle(id, Command::View(tiles), self.now).unwrap();
    }

    fn speak(&mut self, id: ParticipantId) {
        self.room.handle_speakers(Some(id), vec![Some(id)]);
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

    fn assignments(&self, id: ParticipantId) -> Vec<Assignment> {
        self.room.seat(id).unwrap().media.as_ref().unwrap().slots.assignments()
    }

    fn carried(&self, id: ParticipantId, source: Source) -> Vec<ParticipantId> {
        let slots = self.assignments(id).into_iter().filter(|slot| slot.source == source);
        slots.filter_map(|slot| slot.participant_id).collect()
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

fn tile(subject: Subject, height: u32) -> Tile {
    Tile { subject, source: Source::Camera, width: height, height, pinned: false }
}

fn screen(active: bool) -> MediaChange {
    MediaChange { screen_sharing: Some(active), ..MediaChange::default() }
}

#[test]
fn a_reserved_seat_is_invisible_until_it_is_taken() {
    let mut table = Table::new();
    let ada = table.sit();
    let bob = table.reserve(Role::Participant).unwrap();
    assert_eq!(table.present(), 1);
    table.events();
    table.connect(bob);
    assert_eq!(table.present(), 2);
    assert!(matches!(
        table.told(ada).as_slice(),
        [ServerMessage::ParticipantJoined { participant, participant_count: 2 }] if participant.participant_id == bob
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
    table.connect(ada);
    assert_eq!(table.present(), 1);
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

    table.connect(ada);
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
    assert_eq!(table.present(), 1);
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
    let tile = |height| tile(Subject::Participant(bob), height);
    let height = |table: &mut Table| {
        table.events().into_iter().rev().find_map(|event| match event {
            Event::Fill(id, fills) if id == ada => {
                fills.into_iter().find(|fill| fill.mid == "v0").map(|fill| fill.demand.height)
            }
            _ => None,
        })
    };
    assert_eq!(height(&mut table), Some(0), "without a view everything is sent at its best");
    table.room.handle(ada, Command::View(vec![tile(300)]), table.now).unwrap();
    assert_eq!(height(&mut table), Some(300));
    table.room.handle(ada, Command::View(vec![tile(300)]), table.now).unwrap();
    assert_eq!(height(&mut table), None, "nothing changes");
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
    let host = table.sit_as_host();
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

#[test]
fn with_more_voices_than_slots_the_speakers_are_heard() {
    let mut table = Table::that_hears();
    let people: Vec<_> = (0..4).map(|_| table.sit_with_media()).collect();
    let ranks = |table: &Table| -> Vec<_> {
        let slots = table.assignments(people[0]).into_iter();
        let voices = slots.filter(|slot| slot.source == Source::Microphone);
        voices.map(|slot| (slot.participant_id, slot.speaker)).collect()
    };
    assert_eq!(ranks(&table), [(None, Some(0)), (None, Some(1))]);
    table.room.handle(people[3], Command::Leave(people[3]), table.now).unwrap();
    assert_eq!(ranks(&table), [(Some(people[1]), None), (Some(people[2]), None)]);
}

#[test]
fn a_large_meeting_is_told_who_speaks_a_few_times_a_second_at_most() {
    let mut table = Table::that_hears();
    let people: Vec<_> = (0..30).map(|_| table.sit()).collect();
    table.room.tell_news();
    table.events();
    for id in &people {
        table.speak(*id);
    }
    assert!(table.events().is_empty());
    table.room.tell_news();
    let told = table.told(people[0]);
    assert!(matches!(told.as_slice(), [ServerMessage::ActiveSpeaker(speaking)]
        if speaking.active == people.last().copied()));
}

#[test]
fn the_tile_for_whoever_speaks_has_a_slot_of_its_own() {
    let mut table = Table::that_hears();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    let cyd = table.sit_with_media();
    let others = [bob, cyd].map(|id| tile(Subject::Participant(id), 100));
    table.view(ada, vec![tile(Subject::Speaker, 700), others[0], others[1]]);
    let camera = |slot: &Assignment| slot.source == Source::Camera;
    let slots: Vec<_> = table.assignments(ada).into_iter().filter(camera).collect();
    assert!(slots.iter().any(|slot| slot.speaker == Some(0)), "{slots:?}");
    assert_eq!(slots.iter().filter(|slot| slot.participant_id.is_some()).count(), 1);
    let fill = table.events().into_iter().rev().find_map(|event| match event {
        Event::Fill(id, fills) if id == ada => Some(fills),
        _ => None,
    });
    let fill = fill.unwrap().into_iter().find(|fill| {
        fill.mid.starts_with('v') && fill.content == Some(Content::Speaker { rank: 0 })
    });
    assert_eq!(fill.unwrap().demand.height, 700);
    table.view(ada, others.to_vec());
    assert_eq!(table.carried(ada, Source::Camera).len(), 2);
}

#[test]
fn who_speaks_is_told_to_everybody_and_comes_before_the_silent() {
    let mut table = Table::that_hears();
    let ada = table.sit_with_media();
    let others: Vec<_> = (0..4).map(|_| table.sit_with_media()).collect();
    let tiles = others.iter().map(|id| tile(Subject::Participant(*id), 100)).collect();
    table.view(ada, tiles);
    assert_eq!(table.carried(ada, Source::Camera), others[..2]);
    table.events();
    table.speak(others[3]);
    let told = table.told(ada);
    let [ServerMessage::ActiveSpeaker(speaking), ServerMessage::Slots { .. }] = told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!((speaking.active, speaking.previous), (Some(others[3]), None));
    assert!(table.carried(ada, Source::Camera).contains(&others[3]));
    table.speak(others[3]);
    assert!(table.events().is_empty(), "nothing has changed");
    table.speak(others[0]);
    table.room.handle_speakers(None, vec![None]);
    let told = table.told(ada);
    let last = told.iter().rev().find_map(|message| match message {
        ServerMessage::ActiveSpeaker(speaking) => Some(speaking.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.active, last.previous), (Some(others[0]), Some(others[3])), "silence keeps");
    assert_eq!(last.shown_to(others[0]), Some(others[3]), "nobody looks at oneself");
    table.room.handle(others[0], Command::Leave(others[0]), table.now).unwrap();
    assert_eq!(table.room.speaking.as_ref().unwrap().active, None);
}

#[test]
fn only_a_host_sets_the_spotlight_and_it_comes_before_larger_tiles() {
    let mut table = Table::new();
    let (host, ada) = (table.sit_as_host(), table.sit_with_media());
    let others: Vec<_> = (0..3).map(|_| table.sit_with_media()).collect();
    let mut tiles: Vec<_> = others.iter().map(|id| tile(Subject::Participant(*id), 700)).collect();
    tiles[2].height = 100;
    table.view(ada, tiles.clone());
    assert_eq!(table.carried(ada, Source::Camera), others[..2]);
    let shine = Command::Spotlight(Some(others[2]));
    let refused = table.room.handle(ada, shine.clone(), table.now).unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    table.events();
    table.room.handle(host, shine, table.now).unwrap();
    assert!(table.carried(ada, Source::Camera).contains(&others[2]));
    assert!(table.told(ada).iter().any(|message| {
        matches!(message, ServerMessage::Spotlight { participant_id } if *participant_id == Some(others[2]))
    }));
    for tile in &mut tiles[..2] {
        tile.pinned = true;
    }
    table.view(ada, tiles);
    assert_eq!(table.carried(ada, Source::Camera), others[..2], "the viewer's own wish wins");
    table.events();
    table.room.handle(others[2], Command::Leave(others[2]), table.now).unwrap();
    assert!(
        table.told(ada).iter().any(|message| {
            matches!(message, ServerMessage::Spotlight { participant_id: None })
        })
    );
}

#[test]
fn a_publisher_is_told_what_nobody_watches() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit());
    table.events();
    table.room.handle_demand(ada, Source::Camera, None);
    table.room.handle_demand(bob, Source::Camera, Some(1));
    let events = table.events();
    let [Event::Tell(Audience::One(id), ServerMessage::PublishLayers { max_spatial: None, .. })] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(*id, ada, "bob sends no camera");
    table.room.disconnect(ada, table.now);
    table.room.handle_demand(ada, Source::Camera, Some(1));
    table.events();
    table.connect(ada);
    let told = table.told(ada);
    assert!(told.iter().any(|message| {
        matches!(message, ServerMessage::PublishLayers { max_spatial: Some(1), .. })
    }));
}

#[test]
fn only_ones_own_slots_are_explained() {
    let mut table = Table::new();
    let (ada, bob) = (table.sit_with_media(), table.sit_with_media());
    table.events();
    let ask = |mid: &str| Command::Explain(mid.into());
    let refused = table.room.handle(ada, ask("nonsense"), table.now).unwrap_err();
    assert_eq!(refused.fields[0].field, "mid");
    table.room.handle(ada, ask("v0"), table.now).unwrap();
    assert!(
        matches!(table.events().as_slice(), [Event::Explain(id, mid)] if *id == ada && mid == "v0")
    );
    table.room.handle_explanation(ada, "v0", Explained::default());
    let told = table.told(ada);
    let [ServerMessage::Explanation { participant_id, source: Source::Camera, .. }] =
        told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!(*participant_id, Some(bob));
}

#[test]
fn a_newcomer_may_be_muted_from_the_first_moment() {
    let mut table = Table::new();
    let ada = table.sit();
    table.events();
    let bob = table.reserve(Role::Participant).unwrap();
    table.room.connect(bob, MUTED).unwrap();
    let told = table.told(ada);
    let [ServerMessage::ParticipantJoined { participant, .. }] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(!participant.audio_enabled && participant.video_enabled);
    table.room.disconnect(bob, table.now);
    table.connect(bob);
    assert!(!table.room.media_state(bob).unwrap().audio_enabled, "coming back changes nothing");
}

#[test]
fn a_large_meeting_is_told_of_changes_together() {
    let mut table = Table::new();
    let people: Vec<_> = (0..25).map(|_| table.sit()).collect();
    table.events();
    let late: Vec<_> = (0..3).map(|_| table.sit()).collect();
    table.set(people[1], MUTED).unwrap();
    table.room.handle(people[2], Command::Leave(people[2]), table.now).unwrap();
    let at_once = table.told(people[0]);
    assert!(at_once.is_empty(), "{at_once:?}");
    table.room.tell_news();
    let told = table.told(people[0]);
    let [ServerMessage::ParticipantsChanged { joined, left, changed, participant_count, more }] =
        told.as_slice()
    else {
        panic!("{told:?}")
    };
    let ids: Vec<_> = joined.iter().map(|one| one.participant_id).collect();
    assert_eq!((ids, *participant_count, *more), (late, 27, false));
    assert_eq!(left.iter().map(|one| one.participant_id).collect::<Vec<_>>(), [people[2]]);
    assert!(matches!(changed.as_slice(), [MediaState { participant_id, audio_enabled: false, .. }]
        if *participant_id == people[1]));
    table.room.tell_news();
    assert!(table.events().is_empty());
}

#[test]
fn who_is_muted_by_a_host_hears_it_at_once_in_a_large_meeting_too() {
    let mut table = Table::new();
    let host = table.sit_as_host();
    let people: Vec<_> = (0..30).map(|_| table.sit()).collect();
    table.events();
    table.room.handle(host, Command::SetMedia(people[7], MUTED), table.now).unwrap();
    let told = table.told(people[7]);
    assert!(matches!(told.as_slice(), [ServerMessage::MediaState(state)] if !state.audio_enabled));
}

#[test]
fn pages_hold_everybody_once() {
    let mut table = Table::with(Limits { participants: 1000, ..Limits::default() });
    let people: Vec<_> = (0..123).map(|_| table.sit()).collect();
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = table.room.roster_page(after, 50);
        found.extend(page.participants.iter().map(|one| one.participant_id));
        let Some(next) = page.next else { break };
        after = next.parse().unwrap();
        // Who leaves in between shifts nobody.
        table.room.handle(found[0], Command::Leave(found[0]), table.now).ok();
    }
    assert_eq!(found, people);
    let stranger = ParticipantId::from_number(9999);
    let some = table.room.roster_of(&[people[5], stranger, people[4], people[0]]);
    let ids: Vec<_> = some.participants.iter().map(|one| one.participant_id).collect();
    assert_eq!((ids, some.participant_count), (vec![people[5], people[4]], 122));
}

/// What a join costs in bytes, to the newcomer and to one who is there already, in a meeting of
/// this size. The newcomer is muted, as most are in a large meeting.
fn bytes_of_a_join(size: usize) -> (usize, usize) {
    let mut table = Table::open(Limits { participants: 5000, ..Limits::default() }, true);
    while table.present() < size {
        table.sit();
    }
    table.room.tell_news();
    while !table.events().is_empty() {
        table.room.tell_news();
    }
    let newcomer = table.reserve(Role::Participant).unwrap();
    table.room.connect(newcomer, MUTED).unwrap();
    table.room.tell_news();
    let (mut own, mut others) = (0, 0);
    for event in table.events() {
        let Event::Tell(audience, message) = event else { continue };
        let bytes = message.to_json().len();
        match audience {
            Audience::One(id) if id == newcomer => own += bytes,
            Audience::One(_) => {}
            Audience::Others(_) => others += bytes,
            Audience::Everyone => (own, others) = (own + bytes, others + bytes),
        }
    }
    (own, others)
}

#[test]
fn a_join_costs_the_same_however_many_are_there() {
    let (hundred, thousand) = (bytes_of_a_join(100), bytes_of_a_join(1000));
    // Names and counts of more digits are all that differs.
    let near = |a: usize, b: usize| a.abs_diff(b) * 50 <= a;
    assert!(near(hundred.0, thousand.0) && near(hundred.1, thousand.1), "{hundred:?} {thousand:?}");
    assert!(thousand.0 < 20_000 && thousand.1 < 1000, "{thousand:?}");
}

#[test]
fn a_newcomer_to_a_large_meeting_is_told_first_of_those_it_will_see() {
    let mut table = Table::open(Limits { participants: 1000, ..Limits::default() }, true);
    let people: Vec<_> = (0..200).map(|_| table.sit()).collect();
    let host = table.sit_as_host();
    table.set(people[150], screen(true)).unwrap();
    table.speak(people[170]);
    table.speak(people[160]);
    table.events();
    let newcomer = table.sit();
    let told = table.told(newcomer);
    let Some(ServerMessage::Joined(joined)) = told.first() else { panic!("{told:?}") };
    assert_eq!((joined.participants.len(), joined.participant_count), (50, 202));
    let first: Vec<_> = joined.participants.iter().map(|one| one.participant_id).collect();
    assert_eq!(first[..5], [newcomer, people[150], host, people[160], people[170]]);
    assert_eq!(first[5..], people[..45]);
    assert_eq!(joined.speakers.as_ref().unwrap().active, Some(people[160]));
}

/// A meeting of a thousand who all publish: nobody is sent more than the view asks for, and a
/// change concerns those who show it.
#[test]
fn a_change_in_a_meeting_of_a_thousand_concerns_few() {
    let mut table = Table::open(Limits { participants: 1000, ..Limits::default() }, true);
    let people: Vec<_> = (0..1000).map(|_| table.sit()).collect();
    for id in &people {
        table.view(
            *id,
            vec![tile(Subject::Speaker, 700), tile(Subject::Participant(people[0]), 90)],
        );
        table.negotiate(*id);
    }
    table.events();
    table.set(people[500], CAMERA_OFF).unwrap();
    let fills = |table: &mut Table| {
        table.events().iter().filter(|event| matches!(event, Event::Fill(..))).count()
    };
    assert_eq!(fills(&mut table), 0, "nobody shows this one");
    table.speak(people[3]);
    assert_eq!(fills(&mut table), 0, "slots follow the speaker by themselves");
    table.set(people[0], CAMERA_OFF).unwrap();
    assert_eq!(fills(&mut table), 999);
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
    Speak(usize),
    Spotlight(usize),
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
        2 => who.clone().prop_map(Step::Speak),
        1 => who.clone().prop_map(Step::Spotlight),
        2 => (who, proptest::collection::vec((0..6_usize, 0..1000_u32), 0..4))
            .prop_map(|(who, tiles)| Step::View(who, tiles)),
        1 => (0..40_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens in whatever order: what clients were told last is what holds, and nobody
    /// is sent what its sender withholds.
    #[test]
    fn any_history_keeps_the_rules(
        steps in proptest::collection::vec(step(), 1..80),
        hears in any::<bool>(),
    ) {
        let mut table = Table::open(Limits::default(), hears);
        let mut ids: Vec<ParticipantId> = Vec::new();
        let mut told: BTreeMap<ParticipantId, Vec<Assignment>> = BTreeMap::new();
        let mut sending: BTreeMap<ParticipantId, SourceSet> = BTreeMap::new();
        for step in steps {
            let id = |index: usize| ids.get(index).copied().unwrap_or(ParticipantId::from_number(0));
            let now = table.now;
            match step {
                Step::Sit if ids.len() < 6 => {
                    let role = if ids.is_empty() { Role::Host } else { Role::Participant };
                    ids.push(table.reserve(role).unwrap());
                }
                Step::Sit => {}
                Step::Connect(who) => { let _ = table.room.connect(id(who), MediaChange::default()); }
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
                    let tiles = tiles.into_iter().map(|(whose, height)| match whose {
                        5 => tile(Subject::Speaker, height),
                        _ => tile(Subject::Participant(id(whose)), height),
                    });
                    let _ = table.room.handle(id(who), Command::View(tiles.collect()), now);
                }
                Step::Speak(who) => table.speak(id(who)),
                Step::Spotlight(who) => {
                    let _ = table.room.handle(id(0), Command::Spotlight(Some(id(who))), now);
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
            for seat in table.room.seats.iter() {
                let Some(media) = seat.media.as_ref() else { continue };
                if media.answered {
                    prop_assert_eq!(told.get(&seat.id), Some(&media.slots.assignments()));
                    prop_assert_eq!(sending.get(&seat.id), Some(&seat.allowed(table.room.sharing)));
                }
                let by_speech = media.slots.iter().any(|(_, content)| {
                    matches!(content, Some(Content::Speaker { .. }))
                });
                prop_assert!(hears || !by_speech);
                for (_, content) in media.slots.iter() {
                    let Some(Content::Stream(stream)) = content else { continue };
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
