use std::fmt::Write;

use super::*;
use crate::meeting::{Demand, Kind, SlotRole, SlotSpec, SourceSet, Stream, Track};

fn id(number: u64) -> ParticipantId {
    ParticipantId::from_number(number)
}

async fn room() -> Box<dyn MediaRoom> {
    let sfu = Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).build().unwrap();
    SfuPlane::new(sfu).open_room(MeetingId::random()).await.unwrap()
}

/// A client that sends a microphone and a camera and receives one of each.
fn offer() -> Offer {
    let slot = |mid: &str, kind| SlotSpec { mid: mid.into(), kind, role: SlotRole::Participant };
    Offer {
        offer_id: 1.into(),
        sdp: sdp(&[
            ("audio", "sendonly"),
            ("video", "sendonly"),
            ("audio", "recvonly"),
            ("video", "recvonly"),
        ]),
        tracks: vec![
            Track { mid: "0".into(), source: Source::Microphone },
            Track { mid: "1".into(), source: Source::Camera },
        ],
        slots: vec![slot("2", Kind::Audio), slot("3", Kind::Video)],
    }
}

fn sdp(sections: &[(&str, &str)]) -> String {
    let mut sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE".to_owned();
    for mid in 0..sections.len() {
        write!(sdp, " {mid}").unwrap();
    }
    let fingerprint = ["AB"; 32].join(":");
    for (mid, (kind, direction)) in sections.iter().enumerate() {
        let (payload, codec) = match *kind {
            "audio" => (111, "opus/48000/2"),
            _ => (96, "VP8/90000"),
        };
        write!(
            sdp,
            "\r\nm={kind} 9 UDP/TLS/RTP/SAVPF {payload}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             a=setup:actpass\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n\
             a=rtpmap:{payload} {codec}"
        )
        .unwrap();
        if *direction == "sendonly" {
            write!(sdp, "\r\na=ssrc:{} cname:x", 1000 + mid).unwrap();
        }
    }
    sdp + "\r\n"
}

#[tokio::test]
async fn two_sessions_are_connected_by_slots() {
    let mut room = room().await;
    for number in 1..=2 {
        let accepted = room.accept_offer(id(number), &offer()).await.unwrap();
        assert!(accepted.sdp.starts_with("v=0\r\n"));
        let expected: SourceSet = [Source::Microphone, Source::Camera].into_iter().collect();
        assert_eq!(accepted.published, expected);
    }
    room.set_sending(id(1), Source::Camera, true).await.unwrap();
    room.set_sending(id(1), Source::Camera, false).await.unwrap();
    let fill = |participant, source, mid: &str, height| SlotFill {
        mid: mid.into(),
        content: Some(Content::Stream(Stream { participant: id(participant), source })),
        demand: Demand { width: height * 16 / 9, height, ..Demand::default() },
    };
    room.fill(id(2), &fill(1, Source::Camera, "3", 720)).await.unwrap();
    room.fill(id(2), &fill(1, Source::Camera, "3", 90)).await.unwrap();
    room.fill(id(2), &fill(1, Source::Microphone, "2", 0)).await.unwrap();
    let speaker = |mid: &str, rank| SlotFill {
        content: Some(Content::Speaker { rank }),
        ..fill(1, Source::Camera, mid, 360)
    };
    room.fill(id(2), &speaker("3", 0)).await.unwrap();
    room.fill(id(2), &speaker("2", SPEAKERS - 1)).await.unwrap();
    assert!(room.fill(id(2), &speaker("2", SPEAKERS)).await.is_err(), "there is no such rank");
    room.fill(id(2), &fill(1, Source::Camera, "3", 90)).await.unwrap();
    let explained = room.explain(id(2), "3").await.unwrap();
    assert!(!explained.reason.is_empty() && !explained.detail.is_empty(), "{explained:?}");
    assert!(matches!(room.explain(id(2), "9").await, Err(MediaError::Failed(_))));
    let empty = SlotFill { mid: "3".into(), content: None, demand: Demand::default() };
    room.fill(id(2), &empty).await.unwrap();
    assert_eq!(room.explain(id(2), "3").await.unwrap().reason, "empty");

    for wrong in [
        fill(1, Source::Camera, "9", 0),
        fill(1, Source::Screen, "3", 0),
        fill(7, Source::Camera, "3", 0),
    ] {
        let refused = room.fill(id(2), &wrong).await;
        assert!(matches!(refused, Err(MediaError::Failed(_))), "{wrong:?}");
    }
    room.close_session(id(1)).await;
    room.close_session(id(1)).await;
    let gone = room.fill(id(2), &fill(1, Source::Camera, "3", 0)).await;
    assert!(matches!(gone, Err(MediaError::Failed(_))));
    room.close().await;
}

#[tokio::test]
async fn offers_that_do_not_fit_are_refused_and_leave_nothing() {
    let mut room = room().await;
    let mut refused = async |change: fn(&mut Offer)| {
        let mut offer = offer();
        change(&mut offer);
        match room.accept_offer(id(1), &offer).await {
            Err(MediaError::Refused(text)) => assert!(!text.is_empty()),
            other => panic!("{other:?}"),
        }
    };
    refused(|offer| offer.sdp = "nonsense".into()).await;
    refused(|offer| offer.slots[0].mid = "9".into()).await;
    refused(|offer| offer.slots[0].kind = Kind::Video).await;
    refused(|offer| offer.tracks[0].source = Source::Screen).await;
    room.accept_offer(id(1), &offer()).await.unwrap();
}

#[tokio::test]
async fn a_track_that_is_not_sent_is_not_published() {
    let mut room = room().await;
    let mut offer = offer();
    offer.tracks.push(Track { mid: "7".into(), source: Source::Screen });
    let accepted = room.accept_offer(id(1), &offer).await.unwrap();
    assert!(!accepted.published.contains(Source::Screen));
}

#[tokio::test]
async fn missed_events_lose_no_loss() {
    let sfu = Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).build().unwrap();
    let router = sfu.create_router(RouterOptions::default()).await.unwrap();
    let mut room = SfuRoom::new(router);
    room.accept_offer(id(1), &offer()).await.unwrap();
    room.accept_offer(id(2), &offer()).await.unwrap();
    room.suspects = [id(1), id(2), id(3)].into();
    room.sessions[&id(2)].close().await;
    assert_eq!(room.news().await, MediaNews::Lost(id(2)));
}
