use std::time::Duration;

use meeting_server::Settings;
use meeting_server::media::fake::FakePlane;
use meeting_server::meeting::{Content, Limits, ParticipantId, Source};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::client::{Client, PATIENCE, Server};

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "not so in time: {what}");
}

fn id(client: &Client) -> ParticipantId {
    client.id.parse().unwrap()
}

#[tokio::test]
async fn two_people_meet() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    assert_eq!(bob.joined["meeting"]["title"], "Stand-up");
    assert_eq!(bob.joined["participants"].as_array().unwrap().len(), 2);
    assert_eq!(ada.expect("participant_joined").await["participant"]["display_name"], "Bob");

    ada.offer().await;
    let answer = ada.expect("answer").await;
    assert_eq!((&answer["offer_id"], &answer["sdp"]), (&json!(1), &json!("v=0\r\ns=fake\r\n")));
    bob.offer().await;
    bob.expect("answer").await;
    let assigned = |other: String| {
        move |message: &serde_json::Value| {
            let slots = message["assignments"].as_array().unwrap();
            slots.len() == 3 && slots[..2].iter().all(|slot| slot["participant_id"] == other)
        }
    };
    let slots = ada.expect_that("slots", assigned(bob.id.clone())).await;
    assert_eq!(
        slots["assignments"][2],
        json!({ "mid": "6", "participant_id": null, "source": "screen" })
    );
    bob.expect_that("slots", assigned(ada.id.clone())).await;
    until("ada's slot carries bob's camera", || {
        let record = server.media.record();
        let slot = record.sessions[&id(&ada)].slots.get("5").copied();
        matches!(slot, Some((Some(Content::Stream(stream)), _))
            if stream.participant == id(&bob) && stream.source == Source::Camera)
    })
    .await;

    ada.send(&json!({ "type": "chat", "message": "hello" })).await;
    assert_eq!(bob.expect("chat_broadcast").await["sender_name"], "Ada");
    assert_eq!(ada.expect("chat_broadcast").await["message"], "hello");
    ada.send(&json!({ "type": "ping" })).await;
    ada.expect("pong").await;

    ada.send(&json!({ "type": "leave" })).await;
    assert_eq!(ada.until_closed().await.1, Some(1000));
    let left = bob.expect("participant_left").await;
    assert_eq!((&left["participant_id"], &left["reason"]), (&json!(ada.id), &json!("left")));
    until("ada's media is closed", || !server.media.record().sessions.contains_key(&id(&ada)))
        .await;
}

#[tokio::test]
async fn mute_camera_and_screen_are_seen_and_enforced() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    for client in [&mut ada, &mut bob] {
        client.offer().await;
        client.expect("answer").await;
    }
    let sending = |who: ParticipantId, source: Source| {
        server.media.record().sessions[&who].sending.contains(source)
    };
    until("ada is heard", || sending(id(&ada), Source::Microphone)).await;
    ada.send(&json!({ "type": "mute", "muted": true })).await;
    ada.send(&json!({ "type": "video_toggle", "enabled": false })).await;
    bob.expect_that("media_state", |state| {
        state["audio_enabled"] == false && state["video_enabled"] == false
    })
    .await;
    until("ada is neither heard nor seen", || {
        !sending(id(&ada), Source::Microphone) && !sending(id(&ada), Source::Camera)
    })
    .await;

    bob.send(&json!({ "type": "screen_share", "active": true })).await;
    ada.expect_that("media_state", |state| state["screen_sharing"] == true).await;
    ada.expect_that("slots", |slots| slots["assignments"][2]["participant_id"] == bob.id).await;
    ada.send(&json!({ "type": "screen_share", "active": true })).await;
    let error = ada.expect("error").await;
    assert_eq!(
        (&error["code"], &error["in_reply_to"]),
        (&json!("conflict"), &json!("screen_share"))
    );
    until("bob's screen is forwarded", || sending(id(&bob), Source::Screen)).await;
}

#[tokio::test]
async fn a_view_chooses_what_is_sent() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    for client in [&mut ada, &mut bob] {
        client.offer().await;
        client.expect("answer").await;
    }
    let who = id(&ada);
    let slot = || server.media.record().sessions[&who].slots.get("5").copied();
    until(
        "the best layer is asked for",
        || matches!(slot(), Some((Some(_), demand)) if demand.height == 0),
    )
    .await;
    let tile =
        json!({ "participant_id": bob.id, "source": "camera", "width": 320.5, "height": 180 });
    ada.send(&json!({ "type": "view", "tiles": [tile] })).await;
    until(
        "the tile's size is asked for",
        || matches!(slot(), Some((Some(_), demand)) if demand.height == 180),
    )
    .await;
    ada.send(&json!({ "type": "view", "tiles": [] })).await;
    until("nothing is asked for", || matches!(slot(), Some((None, _)))).await;
}

#[tokio::test]
async fn a_dropped_socket_is_resumed_with_its_media() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    for client in [&mut ada, &mut bob] {
        client.offer().await;
        client.expect("answer").await;
    }
    let who = id(&ada);
    let seat = ada.vanish();
    bob.expect_that("media_state", |state| state["connected"] == false).await;
    assert!(server.media.record().sessions.contains_key(&who));
    let ada = Client::connect(&server, &seat).await;
    assert_eq!(ada.joined["resumed"], true);
    assert_eq!(ada.joined["slots"][0]["participant_id"], bob.id);
    bob.expect_that("media_state", |state| state["connected"] == true).await;
}

#[tokio::test]
async fn a_seat_is_given_up_when_nobody_comes_back() {
    let room = Limits { absence: Duration::from_millis(100), ..Limits::default() };
    let server = Server::with(Settings { room, ..Settings::default() }).await;
    let [ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    let seat = ada.vanish();
    assert_eq!(bob.expect("participant_left").await["reason"], "timeout");
    let mut late = Client::open(&server, &seat).await;
    late.send(&json!({ "type": "join", "token": late.token })).await;
    assert_eq!(late.expect("error").await["code"], "unauthorized");
    assert_eq!(late.until_closed().await.1, Some(4003));
}

#[tokio::test]
async fn a_second_socket_replaces_the_first() {
    let server = Server::start().await;
    let [mut first, mut bob] = server.meeting(["Ada", "Bob"]).await;
    let mut second = Client::connect(&server, &first.seat()).await;
    let (messages, code) = first.until_closed().await;
    assert_eq!(messages.last().unwrap(), &json!({ "type": "ended", "reason": "replaced" }));
    assert_eq!(code, Some(4001));
    second.send(&json!({ "type": "chat", "message": "it is me" })).await;
    assert_eq!(bob.expect("chat_broadcast").await["message"], "it is me");
    drop(first);
    second.send(&json!({ "type": "ping" })).await;
    second.expect("pong").await;
}

#[tokio::test]
async fn a_lost_transport_empties_slots_until_the_next_offer() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    for client in [&mut ada, &mut bob] {
        client.offer().await;
        client.expect("answer").await;
    }
    let carries = |who: serde_json::Value| {
        move |message: &serde_json::Value| message["assignments"][0]["participant_id"] == who
    };
    bob.expect_that("slots", carries(json!(ada.id))).await;
    server.media.lose(id(&ada));
    bob.expect_that("slots", carries(json!(null))).await;
    ada.offer().await;
    ada.expect("answer").await;
    bob.expect_that("slots", carries(json!(ada.id))).await;
}

#[tokio::test]
async fn an_offer_that_the_media_plane_refuses_is_an_error() {
    let server = Server::start().await;
    let [mut ada] = server.meeting(["Ada"]).await;
    ada.send(&json!({ "type": "offer", "offer_id": 1, "sdp": "x", "tracks": [], "slots": [] }))
        .await;
    let error = ada.expect("error").await;
    assert_eq!(
        (&error["code"], &error["field"], &error["in_reply_to"]),
        (&json!("invalid_request"), &json!("sdp"), &json!("offer"))
    );
    ada.offer().await;
    ada.expect("answer").await;
}

#[tokio::test]
async fn an_empty_meeting_leaves_memory_and_comes_back_with_its_chat() {
    let room = Limits { empty: Duration::ZERO, ..Limits::default() };
    let server = Server::with(Settings { room, ..Settings::default() }).await;
    let meeting = server.create().await;
    let id = meeting["meeting_id"].as_str().unwrap();
    let mut ada = Client::connect(&server, &server.join(id, "Ada").await).await;
    ada.send(&json!({ "type": "chat", "message": "remember" })).await;
    ada.expect("chat_broadcast").await;
    ada.offer().await;
    ada.expect("answer").await;
    ada.send(&json!({ "type": "leave" })).await;
    ada.until_closed().await;
    let gone = async {
        while !server.metrics().await.contains("plenum_meetings 0\n") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    until("the media room is closed", || server.media.record().rooms == 0).await;
    let bob = Client::connect(&server, &server.join(id, "Bob").await).await;
    assert_eq!(bob.joined["chat"][0]["message"], "remember");
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let mut server = Server::start().await;
    let [mut ada] = server.meeting(["Ada"]).await;
    let goodbye = tokio::spawn(async move { ada.until_closed().await });
    server.stop().await;
    let (messages, code) = goodbye.await.unwrap();
    assert_eq!(messages.last().unwrap(), &json!({ "type": "ended", "reason": "shutdown" }));
    assert_eq!(code, Some(1001));
}

#[tokio::test]
async fn speakers_demand_and_explanations_reach_the_clients() {
    let plane = FakePlane::that_tells_speakers();
    let server = Server::on(Settings::default(), plane).await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    assert_eq!(ada.joined["speakers"]["participant_id"], json!(null));
    for client in [&mut ada, &mut bob] {
        client.offer().await;
        client.expect("answer").await;
    }
    server.media.speak(id(&bob));
    let speaks = ada.expect("active_speaker").await;
    assert_eq!(
        (&speaks["participant_id"], &speaks["speakers"]),
        (&json!(bob.id), &json!([bob.id]))
    );

    server.media.want(id(&bob), None);
    let layers = bob.expect("publish_layers").await;
    assert_eq!((&layers["source"], &layers["max_spatial"]), (&json!("camera"), &json!(null)));

    ada.send(&json!({ "type": "explain", "mid": "5" })).await;
    let explanation = ada.expect("explanation").await;
    assert_eq!(explanation["mid"], "5");
    assert!(explanation["reason"].is_string());
    ada.send(&json!({ "type": "explain", "mid": "77" })).await;
    assert_eq!(ada.expect("error").await["field"], "mid");
    ada.send(&json!({ "type": "spotlight", "participant_id": bob.id })).await;
    assert_eq!(ada.expect("error").await["code"], "forbidden");
}

#[tokio::test]
async fn a_large_meeting_is_told_in_pages_and_together() {
    let server = Server::start().await;
    let meeting = server.create().await;
    let id = meeting["meeting_id"].as_str().unwrap();
    let mut first = Client::connect(&server, &server.join(id, "First").await).await;
    let mut others = Vec::new();
    for number in 0..60 {
        others.push(Client::connect(&server, &server.join(id, &format!("P{number}")).await).await);
    }
    let newest = others.last().unwrap();
    assert_eq!(newest.joined["participants"].as_array().unwrap().len(), 50);
    assert_eq!(newest.joined["participant_count"], 61);
    assert_eq!(newest.joined["participants"][0]["participant_id"], newest.id);
    first.expect_that("participants_changed", |news| news["participant_count"] == 61).await;

    let mut names = Vec::new();
    let mut path = first.path("/participants?limit=25");
    loop {
        let page = server.as_seat("GET", &path, &first.token, &json!({})).await.expect(200);
        for one in page["participants"].as_array().unwrap() {
            names.push(one["display_name"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else { break };
        path = first.path(&format!("/participants?limit=25&after={next}"));
    }
    let expected: Vec<_> =
        std::iter::once("First".into()).chain((0..60).map(|number| format!("P{number}"))).collect();
    assert_eq!(names, expected);
    let path = first.path(&format!("/participants?ids={},{}", newest.id, first.id));
    let some = server.as_seat("GET", &path, &first.token, &json!({})).await.expect(200);
    assert_eq!(some["participants"].as_array().unwrap().len(), 2);
    for wrong in ["after=x", "limit=0", "limit=201", "ids=x"] {
        let path = first.path(&format!("/participants?{wrong}"));
        let field = wrong.split_once('=').unwrap().0;
        let answer = server.as_seat("GET", &path, &first.token, &json!({})).await;
        assert_eq!(answer.problem(400, "invalid_request"), [field]);
    }
    server.get(&first.path("/participants")).await.problem(401, "unauthorized");
}
