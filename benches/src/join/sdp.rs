//! The offer of a participant, and what its answer says.
//!
//! The sections are those of the web client: microphone, camera in three
//! layers, screen and its sound, then the slots on which it receives.

use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sfu_core::wire::rtp::ExtensionKind;
use sfu_core::wire::{MediaKind, Ssrc};
use sfu_ice::{Candidate, Fingerprint, IceCredentials, Protocol};

use super::camera::LAYERS;
use super::packet::extension;

pub(crate) const AUDIO_PAYLOAD_TYPE: u8 = 111;
pub(crate) const VIDEO_PAYLOAD_TYPE: u8 = 96;
pub(crate) const RTX_PAYLOAD_TYPE: u8 = 97;

pub(crate) const MICROPHONE_MID: &str = "0";
pub(crate) const CAMERA_MID: &str = "1";
const SCREEN_MID: &str = "2";
const SCREEN_AUDIO_MID: &str = "3";
const FIRST_SLOT_MID: usize = 4;

/// How many sections a participant receives on. One pair for a shared screen
/// comes on top.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotCounts {
    pub(crate) audio: usize,
    pub(crate) video: usize,
}

/// A section on which a participant receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotSpec {
    pub(crate) mid: String,
    pub(crate) kind: MediaKind,
    pub(crate) screen: bool,
}

impl SlotCounts {
    pub(crate) fn specs(self) -> Vec<SlotSpec> {
        use MediaKind::{Audio, Video};
        let of = |kind, screen, count| std::iter::repeat_n((kind, screen), count);
        let all = of(Audio, false, self.audio).chain(of(Video, false, self.video));
        let all = all.chain([(Audio, true), (Video, true)]);
        all.enumerate()
            .map(|(index, (kind, screen))| SlotSpec {
                mid: (FIRST_SLOT_MID + index).to_string(),
                kind,
                screen,
            })
            .collect()
    }
}

/// The `offer` message.
pub(crate) fn offer(
    counts: SlotCounts,
    ice: &IceCredentials,
    fingerprint: &Fingerprint,
    audio_ssrc: Ssrc,
) -> Value {
    let specs = counts.specs();
    let slots: Vec<_> = specs
        .iter()
        .map(|slot| {
            let role = if slot.screen { "screen" } else { "participant" };
            json!({ "mid": slot.mid, "kind": slot.kind.to_string(), "role": role })
        })
        .collect();
    let track = |mid: &str, source: &str| json!({ "mid": mid, "source": source });
    json!({
        "type": "offer",
        "offer_id": 1,
        "sdp": Offer { ice, fingerprint, audio_ssrc, slots: &specs }.text(),
        "tracks": [
            track(MICROPHONE_MID, "microphone"),
            track(CAMERA_MID, "camera"),
            track(SCREEN_MID, "screen"),
            track(SCREEN_AUDIO_MID, "screen_audio"),
        ],
        "slots": slots,
    })
}

struct Offer<'a> {
    ice: &'a IceCredentials,
    fingerprint: &'a Fingerprint,
    audio_ssrc: Ssrc,
    slots: &'a [SlotSpec],
}

impl Offer<'_> {
    fn text(&self) -> String {
        use MediaKind::{Audio, Video};
        let mut sdp = String::with_capacity(8_192);
        let mids: Vec<_> = (0..FIRST_SLOT_MID + self.slots.len()).map(|n| n.to_string()).collect();
        line(&mut sdp, "v=0");
        line(&mut sdp, "o=- 1 2 IN IP4 127.0.0.1");
        line(&mut sdp, "s=-");
        line(&mut sdp, "t=0 0");
        line(&mut sdp, format_args!("a=group:BUNDLE {}", mids.join(" ")));
        line(&mut sdp, "a=msid-semantic: WMS");
        self.section(&mut sdp, Audio, MICROPHONE_MID, "sendonly");
        let ssrc = self.audio_ssrc;
        line(&mut sdp, format_args!("a=ssrc:{ssrc} cname:bench"));
        self.section(&mut sdp, Video, CAMERA_MID, "sendonly");
        for (rid, _) in LAYERS {
            line(&mut sdp, format_args!("a=rid:{rid} send"));
        }
        let rids = LAYERS.map(|(rid, _)| rid).join(";");
        line(&mut sdp, format_args!("a=simulcast:send {rids}"));
        self.section(&mut sdp, Video, SCREEN_MID, "sendonly");
        self.section(&mut sdp, Audio, SCREEN_AUDIO_MID, "sendonly");
        for slot in self.slots {
            self.section(&mut sdp, slot.kind, &slot.mid, "recvonly");
        }
        sdp
    }

    fn section(&self, sdp: &mut String, kind: MediaKind, mid: &str, direction: &str) {
        use extension::{ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC};
        let (audio, video, rtx) = (AUDIO_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE, RTX_PAYLOAD_TYPE);
        let formats = match kind {
            MediaKind::Audio => audio.to_string(),
            MediaKind::Video => format!("{video} {rtx}"),
        };
        line(sdp, format_args!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"));
        line(sdp, "c=IN IP4 0.0.0.0");
        line(sdp, format_args!("a=ice-ufrag:{}", self.ice.ufrag));
        line(sdp, format_args!("a=ice-pwd:{}", self.ice.password));
        line(sdp, format_args!("a=fingerprint:{}", self.fingerprint));
        line(sdp, "a=setup:actpass");
        line(sdp, format_args!("a=mid:{mid}"));
        let both = [
            (ABS_SEND_TIME, ExtensionKind::AbsSendTime),
            (TRANSPORT_CC, ExtensionKind::TransportWideCc),
            (MID, ExtensionKind::Mid),
        ];
        let own: &[_] = match kind {
            MediaKind::Audio => &[(AUDIO_LEVEL, ExtensionKind::AudioLevel)],
            MediaKind::Video => {
                &[(RID, ExtensionKind::Rid), (REPAIRED_RID, ExtensionKind::RepairedRid)]
            }
        };
        for (id, extension) in both.iter().chain(own) {
            line(sdp, format_args!("a=extmap:{id} {}", extension.uri()));
        }
        line(sdp, format_args!("a={direction}"));
        line(sdp, "a=rtcp-mux");
        line(sdp, "a=rtcp-rsize");
        match kind {
            MediaKind::Audio => {
                line(sdp, format_args!("a=rtpmap:{audio} opus/48000/2"));
                line(sdp, format_args!("a=rtcp-fb:{audio} transport-cc"));
                line(sdp, format_args!("a=fmtp:{audio} minptime=10;useinbandfec=1"));
            }
            MediaKind::Video => {
                line(sdp, format_args!("a=rtpmap:{video} VP8/90000"));
                for feedback in ["transport-cc", "ccm fir", "nack", "nack pli"] {
                    line(sdp, format_args!("a=rtcp-fb:{video} {feedback}"));
                }
                line(sdp, format_args!("a=rtpmap:{rtx} rtx/90000"));
                line(sdp, format_args!("a=fmtp:{rtx} apt={video}"));
            }
        }
    }
}

fn line(sdp: &mut String, text: impl std::fmt::Display) {
    // Writing to a string has no way to fail.
    let _ = write!(sdp, "{text}\r\n");
}

/// What a participant needs of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) ice: IceCredentials,
    pub(crate) fingerprints: Vec<Fingerprint>,
    /// Where the server receives, over UDP.
    pub(crate) server: SocketAddr,
    /// What it sends, by the mids on which it does.
    pub(crate) sent: Vec<SentSection>,
}

/// A section on which the server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentSection {
    pub(crate) mid: String,
    pub(crate) ssrc: Ssrc,
    pub(crate) rtx_ssrc: Option<Ssrc>,
}

impl Answer {
    /// Reads an answer; a UDP candidate with the address that `reachable` likes
    /// is preferred.
    pub(crate) fn parse(
        sdp: &str,
        reachable: impl Fn(&SocketAddr) -> bool,
    ) -> anyhow::Result<Self> {
        let (mut ufrag, mut password) = (None, None);
        let (mut fingerprints, mut servers): (Vec<Fingerprint>, Vec<SocketAddr>) =
            (Vec::new(), Vec::new());
        let mut sent: Vec<SentSection> = Vec::new();
        let mut mid = String::new();
        for line in sdp.lines() {
            if line.starts_with("m=") {
                mid.clear();
            }
            let Some(attribute) = line.strip_prefix("a=") else { continue };
            let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
            match name {
                "mid" => value.clone_into(&mut mid),
                "ice-ufrag" => ufrag = Some(value.to_owned()),
                "ice-pwd" => password = Some(value.to_owned()),
                "fingerprint" => {
                    let fingerprint: Fingerprint = value.parse().context("a=fingerprint")?;
                    if !fingerprints.contains(&fingerprint) {
                        fingerprints.push(fingerprint);
                    }
                }
                "candidate" => {
                    let candidate: Candidate = value.parse().context("a=candidate")?;
                    if candidate.protocol == Protocol::Udp {
                        servers.push(candidate.socket_addr());
                    }
                }
                "ssrc" => {
                    let ssrc = first_number(value).context("a=ssrc")?;
                    let known = sent
                        .iter()
                        .any(|section| section.ssrc == ssrc || section.rtx_ssrc == Some(ssrc));
                    if !known {
                        sent.push(SentSection { mid: mid.clone(), ssrc, rtx_ssrc: None });
                    }
                }
                "ssrc-group" => {
                    let numbers = value.strip_prefix("FID ").context("a=ssrc-group")?;
                    let (media, repair) = numbers.split_once(' ').context("a=ssrc-group")?;
                    let ssrc = first_number(media).context("a=ssrc-group")?;
                    let rtx_ssrc = Some(first_number(repair).context("a=ssrc-group")?);
                    sent.push(SentSection { mid: mid.clone(), ssrc, rtx_ssrc });
                }
                _ => {}
            }
        }
        ensure!(!fingerprints.is_empty(), "the answer has no fingerprint");
        let server = servers.iter().find(|server| reachable(server)).or_else(|| servers.first());
        Ok(Self {
            ice: IceCredentials {
                ufrag: ufrag.context("the answer has no a=ice-ufrag")?,
                password: password.context("the answer has no a=ice-pwd")?,
            },
            fingerprints,
            server: *server.context("the answer has no candidate over UDP")?,
            sent,
        })
    }
}

fn first_number(text: &str) -> Option<Ssrc> {
    text.split(' ').next()?.parse().ok().map(Ssrc)
}

#[cfg(test)]
mod tests {
    use sfu_core::api::params::default_codecs;
    use sfu_core::api::params::ortc::router_capabilities;
    use sfu_core::api::sdp::{RemoteOffer, SessionDescription};
    use sfu_ice::{Certificate, Random};

    use super::*;

    fn parts() -> (IceCredentials, Fingerprint) {
        let mut random = Random::from_seed([1; 32]);
        let certificate = Certificate::generate(&mut random).unwrap();
        (IceCredentials::generate(&mut random), certificate.fingerprints()[0].clone())
    }

    #[test]
    fn an_offer_has_a_section_for_all_that_it_names() {
        let (ice, fingerprint) = parts();
        let counts = SlotCounts { audio: 3, video: 2 };
        let offer = offer(counts, &ice, &fingerprint, Ssrc(77));
        let sdp = SessionDescription::parse(offer["sdp"].as_str().unwrap()).unwrap();
        assert_eq!(sdp.sections.len(), 4 + 3 + 2 + 2);
        let find = |mid: &Value| {
            let mid = mid.as_str().unwrap();
            sdp.sections.iter().find(|section| section.mid.as_deref() == Some(mid)).unwrap()
        };
        for track in offer["tracks"].as_array().unwrap() {
            assert!(find(&track["mid"]).direction.sends());
        }
        for slot in offer["slots"].as_array().unwrap() {
            let section = find(&slot["mid"]);
            assert!(section.direction.receives() && !section.direction.sends());
            assert_eq!(section.media, slot["kind"].as_str().unwrap());
        }
        assert_eq!(find(&json!("1")).send_rids, ["q", "h", "f"]);
    }

    #[test]
    fn a_router_takes_the_offer() {
        let (ice, fingerprint) = parts();
        let offer = offer(SlotCounts { audio: 1, video: 1 }, &ice, &fingerprint, Ssrc(77));
        let offer = RemoteOffer::parse(offer["sdp"].as_str().unwrap()).unwrap();
        let router = router_capabilities(&default_codecs()).unwrap();
        let negotiation = offer.negotiate(&router);
        assert_eq!((negotiation.producers.len(), negotiation.slots.len()), (4, 4));
        assert_eq!(offer.remote_ice().username_fragment, ice.ufrag);
    }

    #[test]
    fn an_answer_says_where_and_what_the_server_sends() {
        let fingerprint = format!("sha-256 {}", ["AB"; 32].join(":"));
        let text = format!(
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:{fingerprint}\r\n\
             a=candidate:1 1 udp 2113929727 192.0.2.1 4000 typ host\r\n\
             a=candidate:1 1 udp 2113929727 127.0.0.1 4000 typ host\r\n\
             a=candidate:2 1 tcp 1518338303 127.0.0.1 4000 typ host tcptype passive\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:5\r\na=sendonly\r\n\
             a=ssrc-group:FID 11 12\r\na=ssrc:11 cname:x\r\na=ssrc:12 cname:x\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:6\r\na=ssrc:13 cname:x\r\n"
        );
        let answer = Answer::parse(&text, |server| server.ip().is_loopback()).unwrap();
        assert_eq!(answer.server, "127.0.0.1:4000".parse::<SocketAddr>().unwrap());
        assert_eq!((answer.ice.ufrag.as_str(), answer.fingerprints.len()), ("abcd", 1));
        let section = |mid: &str, ssrc, rtx_ssrc| SentSection {
            mid: mid.to_owned(),
            ssrc: Ssrc(ssrc),
            rtx_ssrc,
        };
        assert_eq!(answer.sent, [section("5", 11, Some(Ssrc(12))), section("6", 13, None)]);
        assert!(Answer::parse("v=0\r\n", |_| true).is_err());
    }
}
