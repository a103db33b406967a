use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::meeting::{Kind, SlotRole, Source, Subject};

fn refused(text: &str) -> (Option<&'static str>, Option<String>) {
    let (kind, refusal) = ClientMessage::parse(text).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidRequest);
    (kind, refusal.fields.into_iter().next().map(|error| error.field))
}

#[test]
fn an_offer_reads_as_the_protocol_writes_it() {
    let text = json!({
        "type": "offer", "offer_id": 7, "sdp": "v=0\r\n",
        "tracks": [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "screen_audio"}],
        "slots": [{"mid": "2", "kind": "audio", "role": "participant"}],
        "from_the_future": {}
    })
    .to_string();
    let Ok(ClientMessage::Offer(offer)) = ClientMessage::parse(&text) else {
        panic!("not an offer")
    };
    assert_eq!(offer.offer_id, 7.into());
    assert_eq!(offer.tracks[1].source, Source::ScreenAudio);
    assert_eq!(
        offer.slots,
        [SlotSpec { mid: "2".into(), kind: Kind::Audio, role: SlotRole::Participant }]
    );
}

#[test]
fn every_type_has_a_reader() {
    for kind in ClientMessage::TYPES {
        let text = json!({
            "type": kind, "token": "t", "offer_id": 1, "sdp": "", "tracks": [], "slots": [],
            "candidate": "", "sdp_mid": null, "muted": true, "enabled": true, "active": true,
            "tiles": [], "message": "m", "participant_id": null, "mid": "0",
        });
        assert_eq!(ClientMessage::parse(&text.to_string()).unwrap().kind(), kind);
    }
}

#[test]
fn refusals_name_the_field() {
    assert_eq!(refused(r#"{"type":"mute"}"#), (Some("mute"), Some("muted".into())));
    assert_eq!(refused(r#"{"type":"mute","muted":1}"#), (Some("mute"), Some("muted".into())));
    assert_eq!(refused(r#"{"type":"dance"}"#), (None, Some("type".into())));
    assert_eq!(refused(r#"{"kind":"mute"}"#), (None, Some("type".into())));
    let view = r#"{"type":"view","tiles":[{"participant_id":"p","source":"camera"}]}"#;
    assert_eq!(refused(view), (Some("view"), Some("tiles[0].participant_id".into())));
    let offer = r#"{"type":"offer","offer_id":1,"sdp":"","tracks":[{"mid":"0"}],"slots":[]}"#;
    assert_eq!(refused(offer), (Some("offer"), Some("tracks[0].source".into())));
}

#[test]
fn what_is_not_an_object_is_refused_without_a_field() {
    for text in ["", "{", "[]", "null", "7", "\"ping\"", "{\"type\":\"ping\"} {}"] {
        let (_, refusal) = match ClientMessage::parse(text) {
            Err(refused) => refused,
            Ok(message) => {
                assert_eq!(message, ClientMessage::Ping, "{text}");
                continue;
            }
        };
        assert!(refusal.fields.is_empty(), "{text}: {refusal:?}");
    }
}

#[test]
fn a_tile_shows_somebody_or_whoever_speaks() {
    let text = r#"{"type":"view","tiles":[
        {"participant_id":"speaker","source":"camera","width":1280,"height":719.6},
        {"participant_id":"p000000000000000a","source":"screen","width":-3,"height":1e99,"pinned":true}]}"#;
    let Ok(ClientMessage::View(view)) = ClientMessage::parse(text) else { panic!("no view") };
    assert_eq!((view.tiles[0].subject, view.tiles[0].height), (Subject::Speaker, 720));
    assert_eq!(view.tiles[1].subject, Subject::Participant(ParticipantId::from_number(10)));
    assert!(view.tiles[1].pinned && !view.tiles[0].pinned);
    assert_eq!(view.tiles[1].width, 0, "sizes are made to fit");
}

#[test]
fn what_large_meetings_need_is_written_as_the_protocol_says() {
    let id = ParticipantId::from_number(10);
    let read = |message: ServerMessage| -> serde_json::Value {
        serde_json::from_str(&message.to_json()).unwrap()
    };
    let speaking = Speaking { active: Some(id), previous: None, speakers: vec![None, Some(id)] };
    assert_eq!(
        read(ServerMessage::ActiveSpeaker(speaking)),
        json!({"type": "active_speaker", "participant_id": "p000000000000000a",
               "previous_id": null, "speakers": [null, "p000000000000000a"]})
    );
    let layers = ServerMessage::PublishLayers { source: Source::Camera, max_spatial: None };
    assert_eq!(
        read(layers),
        json!({"type": "publish_layers", "source": "camera", "max_spatial": null})
    );
    let explanation = ServerMessage::Explanation {
        mid: "7".into(),
        participant_id: Some(id),
        source: Source::Camera,
        explained: Explained {
            reason: "bandwidth".into(),
            current: Some(Layer { spatial: 1, temporal: 2 }),
            ..Explained::default()
        },
    };
    assert_eq!(
        read(explanation),
        json!({"type": "explanation", "mid": "7", "participant_id": "p000000000000000a",
               "source": "camera", "reason": "bandwidth", "detail": "", "wanted": null,
               "target": null, "current": {"spatial": 1, "temporal": 2},
               "awaits_key_frame": false, "available_bitrate": null})
    );
}

#[test]
fn errors_carry_what_the_client_needs() {
    let error = ServerMessage::error(Refusal::field("muted", "is required"), Some("mute"));
    let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
    assert_eq!(
        json,
        json!({"type": "error", "code": "invalid_request", "detail": "is required",
               "field": "muted", "in_reply_to": "mute"})
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        let _ = ClientMessage::parse(&text);
    }

    #[test]
    fn any_fields_are_read_or_refused(
        kind in proptest::sample::select(ClientMessage::TYPES.to_vec()),
        name in "[a-z_]{1,10}",
        value in "(null|true|-1|1e99|\"[a-z]*\"|\\[\\]|\\{\\})",
    ) {
        let _ = ClientMessage::parse(&format!(r#"{{"type":"{kind}","{name}":{value}}}"#));
    }
}
