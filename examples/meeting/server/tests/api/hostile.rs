use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::client::{Client, Server};

#[tokio::test]
async fn nothing_can_be_said_before_the_join() {
    let server = Server::start().await;
    let meeting = server.create().await;
    let id = meeting["meeting_id"].as_str().unwrap();
    for first in [
        json!({ "type": "chat", "message": "x" }).to_string(),
        json!({ "type": "join", "token": "guess" }).to_string(),
        "nonsense".to_owned(),
    ] {
        let seat = server.join(id, "Eve").await;
        let mut eve = Client::open(&server, &seat).await;
        eve.send_frame(Message::text(first)).await.unwrap();
        let (messages, code) = eve.until_closed().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["type"], "error");
        assert_eq!(code, Some(4003));
    }
}

#[tokio::test]
async fn odd_messages_are_answered_and_do_no_harm() {
    let server = Server::start().await;
    let [mut eve, mut bob] = server.meeting(["Eve", "Bob"]).await;
    let cases = [
        ("{}", json!(null), "type"),
        (r#"{"type":"dance"}"#, json!(null), "type"),
        (r#"{"type":"mute"}"#, json!("mute"), "muted"),
        (r#"{"type":"view","tiles":[{}]}"#, json!("view"), "tiles[0].participant_id"),
        (r#"{"type":"chat","message":"\u0000"}"#, json!("chat"), "message"),
        (
            r#"{"type":"ice_candidate","candidate":"x","sdp_mid":"0"}"#,
            json!("ice_candidate"),
            "candidate",
        ),
        (r#"{"type":"offer","offer_id":1,"sdp":"","tracks":[],"slots":[]}"#, json!("offer"), "sdp"),
    ];
    for (text, in_reply_to, field) in cases {
        eve.send_frame(Message::text(text)).await.unwrap();
        let error = eve.expect("error").await;
        assert_eq!(error["code"], "invalid_request", "{text}");
        assert_eq!(
            (&error["in_reply_to"], &error["field"]),
            (&in_reply_to, &json!(field)),
            "{text}"
        );
    }
    eve.send(&json!({ "type": "join", "token": eve.token })).await;
    assert_eq!(eve.expect("error").await["code"], "conflict");
    eve.send_frame(Message::binary(Bytes::from_static(&[0, 1, 2]))).await.unwrap();
    assert_eq!(eve.expect("error").await["code"], "invalid_request");
    eve.send(&json!({ "type": "chat", "message": "fine" })).await;
    bob.expect("chat_broadcast").await;
}

#[tokio::test]
async fn a_huge_frame_closes_only_its_own_socket() {
    let server = Server::start().await;
    let [mut eve, mut bob] = server.meeting(["Eve", "Bob"]).await;
    let text = json!({ "type": "chat", "message": "x".repeat(300_000) }).to_string();
    let _ = eve.send_frame(Message::text(text)).await;
    let (messages, code) = eve.until_closed().await;
    let error = messages.last().unwrap();
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("too_large")));
    assert_eq!(code, Some(1009));
    bob.expect_that("media_state", |state| state["connected"] == false).await;
}

#[tokio::test]
async fn random_json_is_answered_and_do_no_harm() {
    let server = Server::start().await;
    let [mut eve, mut bob] = server.meeting(["Eve", "Bob"]).await;
    let mut runner = TestRunner::deterministic();
    let messages = message();
    for _ in 0..90 {
        let message = messages.new_tree(&mut runner).unwrap().current();
        if message["type"] != "leave" {
            eve.send(&message).await;
        }
    }
    eve.send(&json!({ "type": "ping" })).await;
    eve.expect("pong").await;
    bob.send(&json!({ "type": "ping" })).await;
    bob.expect("pong").await;
}

#[tokio::test]
async fn a_flood_is_slowed_then_ended_and_the_others_do_not_drown() {
    let server = Server::start().await;
    let [mut eve, mut bob] = server.meeting(["Eve", "Bob"]).await;
    let chat = Message::text(json!({ "type": "chat", "message": "x" }).to_string());
    for _ in 0..3000 {
        if eve.send_frame(chat.clone()).await.is_err() {
            break;
        }
    }
    bob.expect_that("media_state", |state| state["connected"] == false).await;
    bob.send(&json!({ "type": "ping" })).await;
    bob.expect("pong").await;
    let history =
        server.as_seat("GET", &bob.path("/chat"), &bob.token, &json!({})).await.expect(200);
    let said = history["messages"].as_array().unwrap().len();
    assert!((1..100).contains(&said), "{said} messages came through");
}

/// Objects that look like messages: known types with fields of any shape.
fn message() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(field(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let kind = proptest::sample::select(vec![
        "join",
        "offer",
        "ice_candidate",
        "mute",
        "video_toggle",
        "screen_share",
        "view",
        "chat",
        "",
    ]);
    (kind, proptest::collection::hash_map(field(), value, 0..8)).prop_map(|(kind, fields)| {
        let mut object: serde_json::Map<_, _> = fields.into_iter().collect();
        object.insert("type".into(), kind.into());
        Value::Object(object)
    })
}

fn field() -> impl Strategy<Value = String> {
    let known = [
        "token",
        "offer_id",
        "sdp",
        "tracks",
        "slots",
        "mid",
        "source",
        "kind",
        "role",
        "candidate",
        "sdp_mid",
        "muted",
        "enabled",
        "active",
        "tiles",
        "participant_id",
        "width",
        "height",
        "message",
    ];
    prop_oneof![proptest::sample::select(known.to_vec()).prop_map(str::to_owned), "[a-z]{0,6}",]
}
