//! One participant: signalling, ICE, DTLS, and the two halves of its media.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sfu_core::wire::Ssrc;
use sfu_core::wire::srtp::{Inbound, Outbound};
use sfu_ice::dtls::{DtlsConfig, Session, SessionEvent};
use sfu_ice::ice::Checker;
use sfu_ice::{
    Certificate, DtlsRole, DtlsState, IceCredentials, PacketClass, Protocol, Random, Time, Tuple,
    classify,
};

use super::clock::Stamp;
use super::door::Arrival;
use super::hall::View;
use super::path::{Path, ReceiveArea};
use super::publisher::Publisher;
use super::receiver::{Receiver, Residence};
use super::recording::Recording;
use super::script::Conversation;
use super::sdp::{self, Answer, SlotCounts, SlotSpec};
use super::signaling::{Assignment, Person, ServerMessage, Signaling, Speakers};

const PING: Duration = Duration::from_secs(10);
/// A gallery is asked for at most so often.
const VIEW_PACE: Duration = Duration::from_secs(1);

/// What all participants have in common.
pub(crate) struct Scene {
    pub(crate) certificate: Certificate,
    pub(crate) slots: SlotCounts,
    pub(crate) specs: Vec<SlotSpec>,
    pub(crate) view: View,
    pub(crate) publishers: usize,
    /// One participant in so many looks into what it gets.
    pub(crate) sample: usize,
    pub(crate) conversation: Conversation,
    pub(crate) recording: Option<Arc<Recording>>,
    /// This share of media packets is lost on purpose.
    pub(crate) loss: f64,
    /// When the conversation began.
    pub(crate) began: Time,
    pub(crate) seed: u64,
}

/// How a join went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JoinRecord {
    pub(crate) began: Time,
    /// When DTLS was done.
    pub(crate) connected: Option<Time>,
    /// Bytes of signalling that this participant's own join took, both ways:
    /// all until it was connected but news about others.
    pub(crate) bytes: u64,
    /// Bytes of news about others until then.
    pub(crate) news_bytes: u64,
}

pub(crate) struct Participant {
    pub(crate) index: usize,
    local: IpAddr,
    id: String,
    pub(crate) signaling: Signaling,
    rest_bytes: u64,
    news_bytes: u64,
    checker: Checker,
    pub(crate) media: Option<Media>,
    pub(crate) join: JoinRecord,
    random: Random,
    slots: Vec<Assignment>,
    speakers: Speakers,
    people: Vec<Person>,
    view_due: Time,
    ping_due: Time,
    /// Refusals of the server.
    pub(crate) errors: Vec<String>,
}

/// What exists from the answer on.
pub(crate) struct Media {
    pub(crate) path: Path,
    dtls: Session,
    pub(crate) receiver: Receiver,
    pub(crate) publisher: Option<Publisher>,
    /// The best camera layer that the server wants, told before the keys are there.
    wanted: Option<Option<u8>>,
}

impl Participant {
    pub(crate) fn new(arrival: Arrival, scene: &Scene, now: Time) -> Self {
        let Arrival { index, local, signaling, began, rest_bytes } = arrival;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&scene.seed.to_be_bytes());
        seed[8..16].copy_from_slice(&(index as u64).to_be_bytes());
        let mut random = Random::from_seed(seed);
        // The answer brings the real ones.
        let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let tuple = Tuple::new(Protocol::Udp, nowhere, nowhere);
        let nobody = IceCredentials::generate(&mut random);
        let checker = Checker::new(tuple, nobody, &mut random);
        Self {
            index,
            local,
            id: String::new(),
            signaling,
            rest_bytes,
            news_bytes: 0,
            checker,
            media: None,
            join: JoinRecord { began, connected: None, bytes: 0, news_bytes: 0 },
            random,
            slots: Vec::new(),
            speakers: Speakers::default(),
            people: Vec::new(),
            view_due: Time::MAX,
            ping_due: now + PING,
            errors: Vec::new(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.join.connected.is_some()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self) -> Time {
        let own = self.ping_due.min(self.view_due);
        let Some(media) = &self.media else { return own };
        let publisher = media.publisher.as_ref().map_or(Time::MAX, Publisher::deadline);
        let dtls = media.dtls.poll_timeout().unwrap_or(Time::MAX);
        let times = [media.receiver.deadline(), publisher, dtls, self.checker.poll_timeout()];
        times.into_iter().fold(own, Time::min)
    }

    /// Reads what the server says. True if there is a new path, whose socket
    /// the poller does not know.
    pub(crate) fn handle_signaling(&mut self, now: Time, scene: &Scene) -> anyhow::Result<bool> {
        self.signaling.flush()?;
        let before = self.media.is_some();
        while let Some((message, len)) = self.signaling.receive()? {
            self.handle_message(now, scene, message, len)?;
        }
        Ok(self.media.is_some() && !before)
    }

    /// Reads the socket until it is empty.
    pub(crate) fn handle_datagrams(
        &mut self,
        now: Time,
        area: &mut ReceiveArea,
        scratch: &mut [u8],
        residence: &mut Residence,
    ) -> anyhow::Result<()> {
        let Some(media) = &mut self.media else { return Ok(()) };
        let Media { path, dtls, receiver, publisher, .. } = media;
        let checker = &mut self.checker;
        let mut handshake = false;
        let handle = &mut |path: &mut Path, arrived: Stamp, datagram: &mut [u8]| {
            match classify(datagram) {
                PacketClass::Rtp => receiver.handle_rtp(now, arrived, datagram, residence),
                PacketClass::Rtcp => receiver.handle_rtcp(now, datagram, |packet| {
                    if let Some(publisher) = publisher.as_mut() {
                        publisher.handle_feedback(packet, path, scratch);
                    }
                }),
                PacketClass::Stun => {
                    handshake = true;
                    // A response to a check that was given up is none of our concern.
                    if checker.handle_datagram(now, datagram).is_ok() {
                        let _ = dtls.begin(now);
                    }
                }
                PacketClass::Dtls => {
                    handshake = true;
                    // What a record breaks shows in the state.
                    let _ = dtls.handle_packet(now, datagram);
                }
                _ => {}
            }
        };
        while path.receive(area, &mut *handle) {}
        if handshake { self.handle_handshake(now) } else { Ok(()) }
    }

    /// Sends what is due.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Time,
        scene: &Scene,
        scratch: &mut [u8],
    ) -> anyhow::Result<()> {
        if now >= self.ping_due {
            self.ping_due = now + PING;
            self.signaling.send(&json!({ "type": "ping" }))?;
        }
        if now >= self.view_due {
            self.view_due = Time::MAX;
            self.signaling.send(&gallery(&self.people, &self.id, scene.slots.video))?;
        }
        let Some(media) = &mut self.media else { return Ok(()) };
        if let Some(publisher) = &mut media.publisher {
            let stage = (&scene.conversation, scene.began);
            publisher.handle_timeout(now, stage, &mut media.path, scratch);
        }
        media.receiver.handle_timeout(now, &mut media.path, scratch);
        let lost_flight = media.dtls.poll_timeout().is_some_and(|due| due <= now);
        if lost_flight {
            media.dtls.handle_timeout(now);
        }
        if lost_flight || self.checker.poll_timeout() <= now {
            self.handle_handshake(now)?;
        }
        Ok(())
    }

    /// The keys are there: publishers begin.
    pub(crate) fn begin_publishing(&mut self, now: Time, scene: &Scene) {
        if self.index >= scene.publishers {
            return;
        }
        let audio_ssrc = audio_ssrc(self.index);
        let recording = scene.recording.clone();
        let random = &mut self.random;
        let mut publisher = Publisher::new(self.index as u32, audio_ssrc, recording, now, random);
        if let Some(media) = &mut self.media {
            if let Some(wanted) = media.wanted {
                publisher.camera.set_wanted(wanted);
            }
            media.publisher = Some(publisher);
        }
    }

    /// Says goodbye, as far as the kernel takes it at once.
    pub(crate) fn leave(&mut self) {
        let _ = self.signaling.send(&json!({ "type": "leave" }));
    }

    fn handle_message(
        &mut self,
        now: Time,
        scene: &Scene,
        message: ServerMessage,
        len: usize,
    ) -> anyhow::Result<()> {
        match message {
            ServerMessage::Joined(joined) => {
                self.id = joined.participant_id;
                self.people = joined.participants;
                self.speakers = joined.speakers.unwrap_or_default();
                let ice = self.checker.credentials();
                let fingerprint = scene.certificate.fingerprints().first();
                let fingerprint = fingerprint.context("the certificate has no fingerprint")?;
                let offer = sdp::offer(scene.slots, ice, fingerprint, audio_ssrc(self.index));
                self.signaling.send(&offer)?;
                match scene.view {
                    View::All => {}
                    View::Speaker => self.signaling.send(&speaker_view())?,
                    View::Gallery => self.view_due = now + VIEW_PACE,
                }
            }
            ServerMessage::Answer { sdp } => self.handle_answer(now, scene, &sdp)?,
            ServerMessage::Slots { assignments } => {
                self.slots = assignments;
                self.show();
            }
            ServerMessage::ActiveSpeaker(speakers) => {
                self.speakers = speakers;
                self.show();
            }
            ServerMessage::PublishLayers { source, max_spatial } => {
                if source == "camera"
                    && let Some(media) = &mut self.media
                {
                    media.wanted = Some(max_spatial);
                    if let Some(publisher) = &mut media.publisher {
                        publisher.camera.set_wanted(max_spatial);
                    }
                }
            }
            ServerMessage::ParticipantJoined { participant } => {
                self.news_bytes += len as u64;
                self.people.push(participant);
                self.look_again(now, scene);
            }
            ServerMessage::ParticipantLeft { participant_id } => {
                self.news_bytes += len as u64;
                self.people.retain(|person| person.participant_id != participant_id);
                self.look_again(now, scene);
            }
            ServerMessage::Error { code, detail, in_reply_to } => {
                let to = in_reply_to.unwrap_or_default();
                if to == "join" || to == "offer" {
                    bail!("the server refused {to}: {code}: {detail}");
                }
                self.errors.push(format!("{to}: {code}: {detail}"));
            }
            ServerMessage::Ended { reason } => bail!("the server ended the meeting: {reason}"),
            ServerMessage::Unread => self.news_bytes += len as u64,
            ServerMessage::Other => {}
        }
        Ok(())
    }

    fn handle_answer(&mut self, now: Time, scene: &Scene, sdp: &str) -> anyhow::Result<()> {
        let local = self.local;
        let near = |server: &SocketAddr| server.ip().is_loopback() == local.is_loopback();
        let answer = Answer::parse(sdp, near)?;
        let path = Path::new(local, answer.server, scene.loss)?;
        let tuple = Tuple::new(Protocol::Udp, path.local(), answer.server);
        self.checker.restart(tuple, answer.ice);
        let mut config = DtlsConfig::new(scene.certificate.clone());
        // The whole crowd shares a processor: what is late is rarely lost.
        config.retransmit_after = Duration::from_secs(1);
        config.srtp_profiles.retain(|profile| profile.is_aead());
        let mut dtls = Session::new(config, &mut self.random);
        dtls.set_remote(DtlsRole::Server, answer.fingerprints)?;
        let look_inside = self.index.is_multiple_of(scene.sample.max(1));
        let ssrc = Ssrc(self.random.u32());
        let receiver = Receiver::new(&scene.specs, &answer.sent, ssrc, look_inside);
        self.media = Some(Media { path, dtls, receiver, publisher: None, wanted: None });
        self.show();
        self.handle_handshake(now)
    }

    /// Sends what ICE and DTLS have to send, and takes the keys.
    fn handle_handshake(&mut self, now: Time) -> anyhow::Result<()> {
        let Some(media) = &mut self.media else { return Ok(()) };
        let mut datagram = Vec::new();
        while self.checker.poll_transmit(now, &mut datagram)
            || media.dtls.poll_transmit(&mut datagram)
        {
            media.path.send(&datagram, datagram.len());
        }
        while let Some(event) = media.dtls.poll_event() {
            match event {
                SessionEvent::SrtpKeys(keys) => {
                    media.path.outbound = Some(Outbound::from_keys(&keys)?);
                    media.receiver.begin(now, Inbound::from_keys(&keys)?);
                }
                SessionEvent::StateChanged(DtlsState::Connected) => {
                    let (received, sent) = self.signaling.bytes();
                    self.join.connected = Some(now);
                    self.join.news_bytes = self.news_bytes;
                    self.join.bytes =
                        (self.rest_bytes + received + sent).saturating_sub(self.news_bytes);
                }
                SessionEvent::StateChanged(state @ (DtlsState::Failed | DtlsState::Closed)) => {
                    bail!("DTLS: {state:?}, {:?}", media.dtls.failure());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Tells the checks which slots should show something.
    fn show(&mut self) {
        let Self { slots, speakers, id, media, .. } = self;
        let Some(media) = media else { return };
        // The speaker's picture; for the speaker, that of the one before.
        let speaker = speakers.participant_id.as_ref().filter(|speaker| *speaker != id);
        let follows = speaker.or(speakers.previous_id.as_ref()).is_some_and(|other| other != id);
        media.receiver.set_shown(Stamp::now(), |mid| {
            slots.iter().any(|slot| {
                slot.mid == mid
                    && (slot.participant_id.is_some() || (slot.speaker.is_some() && follows))
            })
        });
    }

    fn look_again(&mut self, now: Time, scene: &Scene) {
        if scene.view == View::Gallery {
            self.view_due = self.view_due.min(now + VIEW_PACE);
        }
    }
}

fn audio_ssrc(index: usize) -> Ssrc {
    Ssrc(0x1000_0000 + index as u32)
}

/// The view of somebody who looks at whoever speaks, on a small tile.
fn speaker_view() -> Value {
    json!({
        "type": "view",
        "tiles": [{
            "participant_id": "speaker", "source": "camera", "width": 320, "height": 180,
        }],
    })
}

/// The view of somebody who looks at the first `count` cameras.
fn gallery(people: &[Person], own: &str, count: usize) -> Value {
    let others = people.iter().filter(|person| person.video_enabled);
    let others = others.filter(|person| person.participant_id != own).take(count.min(50));
    let tiles: Vec<_> = others
        .map(|person| {
            json!({
                "participant_id": person.participant_id,
                "source": "camera",
                "width": 320,
                "height": 180,
            })
        })
        .collect();
    json!({ "type": "view", "tiles": tiles })
}
