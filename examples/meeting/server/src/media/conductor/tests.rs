use tokio::sync::mpsc;

use super::*;
use crate::media::fake::FakePlane;
use crate::meeting::{Demand, Negotiation, Offer, Stream, Track};

struct Stage {
    plane: FakePlane,
    desk: Arc<Desk>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Stage {
    fn new() -> Self {
        let plane = FakePlane::default();
        let (sender, reports) = mpsc::unbounded_channel();
        let desk = Desk::open(Arc::new(plane.clone()), MeetingId::random(), move |report| {
            let _ = sender.send(report);
        });
        Self { plane, desk, reports }
    }

    async fn report(&mut self) -> Report {
        timeout(Duration::from_secs(20), self.reports.recv()).await.unwrap().unwrap()
    }

    /// Waits until what was done satisfies `is_done`.
    async fn until(&self, is_done: impl Fn(&crate::media::fake::Record) -> bool) {
        let wait = async {
            while !is_done(&self.plane.record()) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.unwrap();
    }
}

fn id(number: u64) -> ParticipantId {
    ParticipantId::from_number(number)
}

fn negotiation(number: u64, sdp: &str) -> Negotiation {
    let track = |source| Track { mid: format!("{source:?}"), source };
    let tracks = Source::ALL.into_iter().map(track).collect();
    let offer = Offer { offer_id: 1.into(), sdp: sdp.into(), tracks, slots: Vec::new() };
    Negotiation { number, offer: Arc::new(offer) }
}

fn fill(mid: &str, participant: u64, height: u32) -> SlotFill {
    let stream = Stream { participant: id(participant), source: Source::Camera };
    let demand = Demand { width: height * 16 / 9, height, ..Demand::default() };
    SlotFill { mid: mid.into(), content: Some(Content::Stream(stream)), demand }
}

#[tokio::test]
async fn the_plane_follows_the_plan() {
    let mut stage = Stage::new();
    stage.desk.negotiate(id(1), negotiation(1, "v=0"));
    stage.desk.negotiate(id(2), negotiation(2, "v=0"));
    for _ in 0..2 {
        assert!(matches!(stage.report().await, Report::Answered { .. }));
    }
    let microphone: SourceSet = [Source::Microphone].into_iter().collect();
    stage.desk.send(id(1), microphone);
    stage.desk.fill(id(2), vec![fill("v0", 1, 720)]);
    let SlotFill { content, demand, .. } = fill("v0", 1, 720);
    let carried = (content, demand);
    stage
        .until(|record| {
            record.sessions[&id(1)].sending == microphone
                && record.sessions[&id(2)].slots.get("v0") == Some(&carried)
        })
        .await;
    stage.desk.fill(id(2), vec![SlotFill { content: None, ..fill("v0", 1, 0) }]);
    stage.until(|record| record.sessions[&id(2)].slots["v0"] == (None, Demand::default())).await;
    stage.desk.close_session(id(1));
    stage.until(|record| !record.sessions.contains_key(&id(1))).await;
    stage.desk.close();
    stage.until(|record| record.rooms == 0).await;
}

#[tokio::test]
async fn only_the_latest_offer_is_answered() {
    let mut stage = Stage::new();
    for number in 1..=5 {
        stage.desk.negotiate(id(1), negotiation(number, &format!("v=0 {number}")));
    }
    let Report::Answered { negotiation, .. } = stage.report().await else { panic!("refused") };
    assert_eq!(negotiation, 5);
    assert_eq!(stage.plane.record().sessions[&id(1)].offer, "v=0 5");
    assert!(stage.reports.try_recv().is_err());
}

#[tokio::test]
async fn a_new_offer_of_the_sender_points_slots_at_its_new_stream() {
    let mut stage = Stage::new();
    stage.desk.negotiate(id(1), negotiation(1, "v=0"));
    stage.desk.negotiate(id(2), negotiation(2, "v=0"));
    stage.desk.fill(id(2), vec![fill("v0", 1, 90)]);
    for _ in 0..2 {
        stage.report().await;
    }
    stage.until(|record| record.sessions[&id(2)].slots.contains_key("v0")).await;
    stage.desk.negotiate(id(2), negotiation(3, "v=0"));
    stage.desk.fill(id(2), vec![fill("v0", 1, 90)]);
    stage.report().await;
    stage.until(|record| record.sessions[&id(2)].slots.contains_key("v0")).await;
}

#[tokio::test]
async fn refusals_and_losses_are_reported() {
    let mut stage = Stage::new();
    stage.desk.negotiate(id(1), negotiation(1, "nonsense"));
    let Report::Refused { participant, negotiation: 1, refusal } = stage.report().await else {
        panic!("not refused")
    };
    assert_eq!(participant, id(1));
    assert_eq!(refusal.fields[0].field, "sdp");

    stage.desk.negotiate(id(1), negotiation(2, "v=0"));
    assert!(matches!(stage.report().await, Report::Answered { negotiation: 2, .. }));
    stage.plane.lose(id(1));
    let lost = stage.report().await;
    assert!(matches!(lost, Report::Lost { negotiation: 2, .. }), "{lost:?}");
}

#[tokio::test]
async fn what_the_plane_says_and_is_asked_comes_back() {
    let mut stage = Stage::new();
    stage.desk.negotiate(id(1), negotiation(1, "v=0"));
    stage.report().await;
    stage.plane.speak(id(1));
    assert!(
        matches!(stage.report().await, Report::Speakers { active, .. } if active == Some(id(1)))
    );
    stage.plane.want(id(1), None);
    assert!(matches!(stage.report().await, Report::Demand { max_spatial: None, .. }));
    stage.desk.explain(id(7), "v0".into());
    stage.desk.explain(id(1), "v0".into());
    let Report::Explained { participant, mid, explained } = stage.report().await else { panic!() };
    assert_eq!((participant, mid.as_str(), explained.reason.as_str()), (id(1), "v0", "empty"));
}

#[tokio::test]
async fn a_slot_waits_for_its_sender() {
    let mut stage = Stage::new();
    stage.desk.negotiate(id(2), negotiation(1, "v=0"));
    stage.desk.fill(id(2), vec![fill("v0", 1, 90)]);
    stage.report().await;
    stage.desk.negotiate(id(1), negotiation(2, "v=0"));
    stage.report().await;
    stage.until(|record| record.sessions[&id(2)].slots.contains_key("v0")).await;
}
