use std::time::Duration;

use meeting_server::Settings;
use meeting_server::http::{Rate, Rates, TrustedProxies};
use meeting_server::meeting::Limits;
use serde_json::json;

use crate::client::{Client, JSON, Server};

#[tokio::test]
async fn a_meeting_can_be_created_seen_and_joined() {
    let server = Server::start().await;
    let meeting = server.create().await;
    let id = meeting["meeting_id"].as_str().unwrap();
    assert_eq!(meeting["title"], "Stand-up");
    assert_eq!(meeting["join_url"], format!("/m/{id}"));
    assert!(meeting["created_at"].as_str().unwrap().ends_with('Z'));

    let seen = server.get(&format!("/api/meetings/{id}")).await.expect(200);
    assert_eq!(seen["participant_count"], 0);
    assert!(seen.get("host_key").is_none());

    let path = format!("/api/meetings/{id}/join");
    let device = json!({ "user_agent": "test", "codecs": ["VP8"] });
    let body = json!({ "display_name": " Ada ", "device_info": device });
    let seat = server.post(&path, &body).await.expect(200);
    assert_eq!(seat["role"], "participant");
    assert_eq!(seat["ice_servers"], json!([]));
    let body = json!({ "display_name": "Bob", "host_key": meeting["host_key"] });
    assert_eq!(server.post(&path, &body).await.expect(200)["role"], "host");

    let ada = Client::connect(&server, &seat).await;
    assert_eq!(ada.joined["participants"][0]["display_name"], "Ada");
    let seen = server.get(&format!("/api/meetings/{id}")).await.expect(200);
    assert_eq!(seen["participant_count"], 1);
}

#[tokio::test]
async fn refusals_are_problems_that_name_the_field() {
    let server = Server::start().await;
    let meeting = server.create().await;
    let meetings = "/api/meetings";
    let join = format!("/api/meetings/{}/join", meeting["meeting_id"].as_str().unwrap());
    let refused = async |path: &str, body: &str| {
        server.request("POST", path, &[JSON], body).await.problem(400, "invalid_request")
    };
    let long = "x".repeat(121);
    assert_eq!(refused(meetings, &json!({ "title": "" }).to_string()).await, ["title"]);
    assert_eq!(refused(meetings, &json!({ "title": long }).to_string()).await, ["title"]);
    assert_eq!(refused(meetings, &json!({ "title": 7 }).to_string()).await, ["title"]);
    assert_eq!(refused(&join, "{}").await, ["display_name"]);
    assert_eq!(
        refused(&join, &json!({ "display_name": "\u{7}" }).to_string()).await,
        ["display_name"]
    );
    let body = json!({ "display_name": "Ada", "device_info": { "codecs": [1] } }).to_string();
    assert_eq!(refused(&join, &body).await, ["device_info.codecs[0]"]);
    for malformed in ["", "{", "nonsense", "\u{0}"] {
        assert!(refused(meetings, malformed).await.is_empty());
    }
    let body = json!({ "display_name": "Eve", "host_key": "guess" });
    assert_eq!(server.post(&join, &body).await.problem(403, "forbidden"), ["host_key"]);
}

#[tokio::test]
async fn every_other_way_to_be_wrong_is_a_problem_too() {
    let server = Server::start().await;
    let [ada] = server.meeting(["Ada"]).await;
    let absent = "/api/meetings/aaaa-aaaa-aaaa";
    server.get("/api/nothing").await.problem(404, "not_found");
    server.get("/nothing").await.problem(404, "not_found");
    server.get("/assets/nothing.js").await.problem(404, "not_found");
    server.get(absent).await.problem(404, "not_found");
    server.get("/api/meetings/..%2f..%2fetc").await.problem(404, "not_found");
    server.get("/api/meetings/%ff").await;
    let join = format!("{absent}/join");
    server.post(&join, &json!({ "display_name": "Ada" })).await.problem(404, "not_found");
    server.get(&format!("{absent}/signaling")).await.problem(404, "not_found");
    server.get(&ada.path("/signaling")).await.problem(400, "invalid_request");
    server.request("DELETE", "/api/meetings", &[], "").await.problem(405, "method_not_allowed");
    server.request("POST", "/", &[], "").await.problem(405, "method_not_allowed");
    server.request("POST", "/healthz", &[], "").await.problem(405, "method_not_allowed");
    server.operator_request("POST", "/metrics").await.problem(405, "method_not_allowed");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = server.request("POST", "/api/meetings", &[form], "title=x").await;
    answer.problem(415, "unsupported_media_type");
    let large = json!({ "title": "x".repeat(100_000) });
    server.post("/api/meetings", &large).await.problem(413, "too_large");

    let chat = ada.path("/chat");
    server.get(&chat).await.problem(401, "unauthorized");
    let answer = server.request("GET", &chat, &[("authorization", "Basic x")], "").await;
    answer.problem(401, "unauthorized");
    let answer = server.as_seat("GET", &chat, "guess", &json!({})).await;
    assert_eq!(answer.header("www-authenticate"), Some("bearer"));
    answer.problem(401, "unauthorized");
    for (query, field) in [("limit=0", "limit"), ("limit=x", "limit"), ("before=x", "before")] {
        let answer =
            server.as_seat("GET", &format!("{chat}?{query}"), &ada.token, &json!({})).await;
        assert_eq!(answer.problem(400, "invalid_request"), [field]);
    }
}

#[tokio::test]
async fn a_token_opens_one_meeting_only() {
    let server = Server::start().await;
    let [ada] = server.meeting(["Ada"]).await;
    let [bob] = server.meeting(["Bob"]).await;
    let answer = server.as_seat("GET", &bob.path("/chat"), &ada.token, &json!({})).await;
    answer.problem(401, "unauthorized");
}

#[tokio::test]
async fn chat_is_written_and_paged_by_rest() {
    let server = Server::start().await;
    let [ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    let chat = ada.path("/chat");
    for number in 0..5 {
        let body = json!({ "message": format!("number {number}") });
        let message = server.as_seat("POST", &chat, &ada.token, &body).await.expect(201);
        assert_eq!(message["sender_name"], "Ada");
        assert_eq!(bob.expect("chat_broadcast").await["message_id"], message["message_id"]);
    }
    let page = async |query: &str| {
        let path = format!("{chat}?{query}");
        let answer = server.as_seat("GET", &path, &bob.token, &json!({})).await.expect(200);
        answer["messages"].as_array().unwrap().clone()
    };
    let texts = |page: &[serde_json::Value]| -> Vec<String> {
        page.iter().map(|message| message["message"].as_str().unwrap().to_owned()).collect()
    };
    let last = page("limit=2").await;
    assert_eq!(texts(&last), ["number 3", "number 4"]);
    let before = format!("limit=2&before={}", last[0]["message_id"].as_str().unwrap());
    assert_eq!(texts(&page(&before).await), ["number 1", "number 2"]);
    assert_eq!(page("").await.len(), 5);
    let empty = server.as_seat("POST", &chat, &ada.token, &json!({ "message": " " })).await;
    assert_eq!(empty.problem(400, "invalid_request"), ["message"]);
}

#[tokio::test]
async fn media_and_leaving_work_by_rest() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    let media = ada.path(&format!("/participants/{}/media", ada.id));
    let off = json!({ "audio_enabled": false });
    let state = server.as_seat("PUT", &media, &ada.token, &off).await.expect(200);
    assert_eq!(
        state,
        json!({ "participant_id": ada.id, "audio_enabled": false, "video_enabled": true,
                "screen_sharing": false })
    );
    assert_eq!(bob.expect("media_state").await["audio_enabled"], false);
    server.as_seat("PUT", &media, &bob.token, &off).await.problem(403, "forbidden");
    server.as_seat("PUT", &media, &ada.token, &json!({})).await.problem(400, "invalid_request");
    let wrong = json!({ "audio_enabled": "no" });
    let answer = server.as_seat("PUT", &media, &ada.token, &wrong).await;
    assert_eq!(answer.problem(400, "invalid_request"), ["audio_enabled"]);
    let nobody = ada.path("/participants/p0000000000000000/media");
    server.as_seat("PUT", &nobody, &ada.token, &off).await.problem(404, "not_found");

    let body = json!({ "participant_id": ada.id });
    server.as_seat("POST", &ada.path("/leave"), &bob.token, &body).await.problem(403, "forbidden");
    let answer = server.as_seat("POST", &ada.path("/leave"), &ada.token, &body).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(ada.expect("ended").await["reason"], "left");
    assert_eq!(ada.until_closed().await.1, Some(1000));
    assert_eq!(bob.expect("participant_left").await["reason"], "left");
    server
        .as_seat("POST", &ada.path("/leave"), &ada.token, &body)
        .await
        .problem(401, "unauthorized");
}

#[tokio::test]
async fn a_full_meeting_takes_nobody_else() {
    let room = Limits { participants: 2, ..Limits::default() };
    let server = Server::with(Settings { room, ..Settings::default() }).await;
    let [ada, _bob] = server.meeting(["Ada", "Bob"]).await;
    let body = json!({ "display_name": "Eve" });
    server.post(&ada.path("/join"), &body).await.problem(403, "meeting_full");
}

#[tokio::test]
async fn a_full_server_takes_no_other_meeting() {
    let server = Server::with(Settings { meetings: 1, ..Settings::default() }).await;
    let [_ada] = server.meeting(["Ada"]).await;
    let other = server.create().await;
    let join = format!("/api/meetings/{}/join", other["meeting_id"].as_str().unwrap());
    let body = json!({ "display_name": "Eve" });
    server.post(&join, &body).await.problem(503, "unavailable");
}

#[tokio::test]
async fn rates_are_limited() {
    let rate = Rate::new(3, Duration::from_secs(3600));
    let rates = Rates { create: rate, ..Rates::default() };
    let server = Server::with(Settings { rates, ..Settings::default() }).await;
    for _ in 0..3 {
        server.create().await;
    }
    let answer = server.post("/api/meetings", &json!({})).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    answer.problem(429, "rate_limited");
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_rates_of_their_own() {
    let rates = Rates { create: Rate::new(1, Duration::from_secs(3600)), ..Rates::default() };
    let trusted_proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let behind = Server::with(Settings { rates, trusted_proxies, ..Settings::default() }).await;
    let direct = Server::with(Settings { rates, ..Settings::default() }).await;
    let create = async |server: &Server, client: &str| {
        let headers = [JSON, ("x-forwarded-for", client)];
        server.request("POST", "/api/meetings", &headers, "{}").await
    };
    create(&behind, "192.0.2.1").await.expect(201);
    create(&behind, "192.0.2.2").await.expect(201);
    // An address that the client itself wrote before the proxy's does not make it another.
    create(&behind, "203.0.113.5, 192.0.2.1").await.problem(429, "rate_limited");
    create(&direct, "192.0.2.1").await.expect(201);
    create(&direct, "192.0.2.2").await.problem(429, "rate_limited");
}

#[tokio::test]
async fn pages_assets_and_operations_answer_with_safe_headers() {
    let server = Server::start().await;
    for path in ["/", "/m/abcd-efgh-jkmn", "/m/mistyped"] {
        let page = server.get(path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    }
    assert_eq!(server.get("/healthz").await.expect(200), json!({ "status": "ok" }));
    server.get("/api/nothing").await.problem(404, "not_found");
    server.get("/metrics").await.problem(404, "not_found");
    let metrics = server.metrics().await;
    assert!(metrics.contains("plenum_http_responses_total{status=\"404\"} 2\n"), "{metrics}");
    assert!(metrics.contains("plenum_refused_total{code=\"not_found\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_store_outage_does_not_end_a_meeting() {
    let server = Server::start().await;
    let [mut ada, mut bob] = server.meeting(["Ada", "Bob"]).await;
    server.store.close().await;
    ada.send(&json!({ "type": "chat", "message": "still here" })).await;
    assert_eq!(bob.expect("chat_broadcast").await["message"], "still here");
    let history =
        server.as_seat("GET", &ada.path("/chat"), &bob.token, &json!({})).await.expect(200);
    assert_eq!(history["messages"][0]["message"], "still here");
    let seat = server.join(&ada.meeting, "Cleo").await;
    let cleo = Client::connect(&server, &seat).await;
    assert_eq!(cleo.joined["chat"][0]["message"], "still here");
    server.post("/api/meetings", &json!({})).await.problem(503, "unavailable");
}
