//! The client that the bindings stand on: calls in, completions and events out.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sfu_core::client::{Answer, Call, Client, ClientOptions, EVENTS, Incoming, METHODS, Method};
use sfu_core::engine::RequestId;
use sfu_core::{ErrorKind, RouterId};

const PATIENCE: Duration = Duration::from_secs(20);

struct Driver {
    client: Client,
    answers: HashMap<RequestId, sfu_core::Result<Answer>>,
    events: Vec<(Value, Option<Bytes>)>,
    packets: Vec<Bytes>,
    closed: bool,
}

impl Driver {
    fn new() -> Self {
        Self::with(json!({ "listen": ["127.0.0.1:0"] }))
    }

    fn with(options: Value) -> Self {
        let options: ClientOptions = serde_json::from_value(options).unwrap();
        Self {
            client: Client::start(options).unwrap(),
            answers: HashMap::new(),
            events: Vec::new(),
            packets: Vec::new(),
            closed: false,
        }
    }

    fn submit(&self, method: &str, target: &Value, parameters: Value) -> RequestId {
        self.client.submit(Call::new(method, number(target), parameters, Vec::new()))
    }

    /// Takes in what is there; whether anything was.
    fn drain(&mut self) -> bool {
        let mut any = false;
        while let Some(incoming) = self.client.poll() {
            any = true;
            assert!(!self.closed, "closed comes last");
            match incoming {
                Incoming::Completion { request, result } => {
                    assert!(self.answers.insert(request, result).is_none());
                }
                Incoming::Event { event, payload } => self.events.push((event, payload)),
                Incoming::Rtp { packets, .. } => self.packets.extend(packets),
                Incoming::Closed => self.closed = true,
            }
        }
        any
    }

    fn outcome(&mut self, request: RequestId) -> sfu_core::Result<Answer> {
        loop {
            if let Some(answer) = self.answers.remove(&request) {
                return answer;
            }
            assert!(self.client.wait(Some(PATIENCE)), "nothing came");
            self.drain();
        }
    }

    fn call(&mut self, method: &str, target: &Value, parameters: Value) -> Value {
        let request = self.submit(method, target, parameters);
        self.outcome(request).unwrap_or_else(|error| panic!("{method}: {error}")).value
    }

    fn send(&mut self, method: &str, target: &Value, parameters: Value, payload: Vec<Bytes>) {
        let call = Call::new(method, number(target), parameters, payload);
        let request = self.client.submit(call);
        self.outcome(request).unwrap_or_else(|error| panic!("{method}: {error}"));
    }

    fn refusal(&mut self, method: &str, target: &Value, parameters: Value) -> sfu_core::Error {
        let request = self.submit(method, target, parameters);
        self.outcome(request).map(|answer| answer.value).expect_err(method)
    }

    fn until(&mut self, mut there: impl FnMut(&Self) -> bool) {
        while !there(self) {
            let (packets, events) = (self.packets.len(), &self.events);
            assert!(self.client.wait(Some(PATIENCE)), "only {packets} packets and {events:?}");
            self.drain();
        }
    }

    fn has_event(&self, kind: &str) -> bool {
        self.events.iter().any(|(event, _)| event["type"] == kind)
    }
}

fn number(id: &Value) -> u64 {
    id.as_str().map_or(0, |id| u64::from_str_radix(id, 16).unwrap())
}

fn opus() -> Value {
    json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2 }],
        "encodings": [{ "ssrc": 7 }],
    })
}

fn packet(seq: u16) -> Bytes {
    let mut packet = vec![0x80, 111];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 960).to_be_bytes());
    packet.extend(7u32.to_be_bytes());
    packet.extend(b"tone");
    packet.into()
}

#[test]
fn packets_and_messages_go_through_a_room() {
    let mut driver = Driver::new();
    let none = Value::Null;
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let direct = driver.call("Router.createDirectTransport", &room["id"], none.clone());
    assert_eq!((&direct["kind"], &direct["router"]), (&json!("direct"), &room["id"]));
    let produce = json!({ "kind": "audio", "rtpParameters": opus() });
    let producer = driver.call("DirectTransport.produce", &direct["id"], produce);
    assert_eq!(producer["transport"], direct["id"]);
    let consume = json!({ "producer": producer["id"], "rtpCapabilities": room["rtpCapabilities"] });
    let consumer = driver.call("DirectTransport.consume", &direct["id"], consume);
    assert_eq!((&consumer["producer"], &consumer["kind"]), (&producer["id"], &json!("audio")));
    assert!(consumer["rtpParameters"]["codecs"][0]["payloadType"].is_u64());

    // More at once than come out at once.
    let packets: Vec<Bytes> = (0..700).map(packet).collect();
    let parameters = json!({ "producer": producer["id"] });
    driver.send("DirectTransport.sendRtp", &direct["id"], parameters, packets);
    driver.until(|driver| driver.packets.len() == 700);
    assert!(driver.packets.iter().all(|packet| packet.ends_with(b"tone")));

    let stats = driver.call("Consumer.stats", &consumer["id"], none.clone());
    assert_eq!(stats["packetsSent"], 700);
    let why = driver.call("Consumer.explain", &consumer["id"], none.clone());
    assert!(why["reason"].as_str().is_some_and(|reason| !reason.is_empty()));

    let data = driver.call("DirectTransport.produceData", &direct["id"], json!({ "label": "x" }));
    let consume = json!({ "dataProducer": data["id"] });
    let ear = driver.call("DirectTransport.consumeData", &direct["id"], consume);
    let payload = vec![Bytes::from_static("grüß dich".as_bytes())];
    driver.send("DataProducer.send", &data["id"], json!({ "text": true }), payload);
    driver.until(|driver| driver.has_event("message"));
    let (event, payload) = driver.events.iter().find(|(it, _)| it["type"] == "message").unwrap();
    assert_eq!((&event["consumer"], &event["kind"]), (&ear["id"], &json!("string")));
    assert_eq!(payload.as_deref(), Some("grüß dich".as_bytes()));

    driver.call("Router.close", &room["id"], none.clone());
    driver.until(|driver| driver.has_event("router-closed"));
    for (what, method) in [
        (&room, "Router.dump"),
        (&direct, "DirectTransport.stats"),
        (&producer, "Producer.pause"),
        (&consumer, "Consumer.explain"),
        (&data, "DataProducer.stats"),
    ] {
        let error = driver.refusal(method, &what["id"], none.clone());
        assert_eq!(error.kind(), ErrorKind::NotFound, "{method}: {error}");
    }
}

#[test]
fn a_restored_router_has_all_its_nouns() {
    let (mut first, none) = (Driver::new(), Value::Null);
    let room = first.call("Sfu.createRouter", &none, json!({}));
    let direct = first.call("Router.createDirectTransport", &room["id"], none.clone());
    let produce = json!({ "kind": "audio", "rtpParameters": opus() });
    let producer = first.call("DirectTransport.produce", &direct["id"], produce);
    let consume = json!({ "producer": producer["id"], "rtpCapabilities": room["rtpCapabilities"] });
    let consumer = first.call("DirectTransport.consume", &direct["id"], consume);
    let data = first.call("DirectTransport.produceData", &direct["id"], json!({ "label": "x" }));
    let level =
        first.call("Router.createAudioLevelObserver", &room["id"], json!({ "threshold": -50 }));
    let request = first.submit("Router.snapshot", &room["id"], none.clone());
    let snapshot = first.outcome(request).unwrap().payload.unwrap();

    let mut second = Driver::new();
    let call = Call::new("Sfu.restoreRouter", 0, json!({}), vec![snapshot]);
    let request = second.client.submit(call);
    let restored = second.outcome(request).unwrap().value;
    assert_eq!(restored["id"], room["id"]);
    // Described as the calls did that made everything.
    let contents = &restored["contents"];
    assert_eq!(contents["transports"], json!([direct]));
    assert_eq!(contents["producers"], json!([producer]));
    assert_eq!(contents["consumers"], json!([consumer]));
    assert_eq!(contents["dataProducers"], json!([data]));
    assert_eq!(contents["observers"][0]["kind"], "audio-level");
    assert_eq!(second.call("Router.contents", &room["id"], none.clone()), *contents);
    second.call("Producer.pause", &producer["id"], none.clone());
    second.call("Consumer.requestKeyFrame", &consumer["id"], none.clone());
    let stats = second.call("DataProducer.stats", &data["id"], none.clone());
    assert_eq!(stats["label"], "x");
    second.call("AudioLevelObserver.pause", &level["id"], none.clone());
    let wrong = second.refusal("ActiveSpeakerObserver.pause", &level["id"], none.clone());
    assert!(wrong.to_string().contains("it is a AudioLevelObserver"), "{wrong}");
    second.call("DirectTransport.close", &direct["id"], none);
}

#[test]
fn what_is_wrong_is_named() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let cases = [
        ("Router.fly", &room["id"], json!({}), "method Router.fly"),
        ("Router.createDirectTransport", &room["id"], json!({ "x": 1 }), "unknown field `x`"),
        ("Router.createDirectTransport", &room["id"], json!(7), "invalid type"),
        ("Router.createPlainTransport", &room["id"], json!({ "listen": "here" }), "listen: "),
        ("Consumer.pause", &room["id"], json!({}), "expected a Consumer, and it is a Router"),
        ("Sfu.createRouter", &none, json!({ "shard": 4 }), "shard"),
        ("Sfu.createRouter", &none, json!({ "codecs": [{ "kind": "audio" }] }), "codecs[0]"),
        ("Sfu.restoreRouter", &none, json!({}), "expected one payload, got 0"),
        ("Router.acceptOffer", &room["id"], json!({ "offer": "v=1" }), "expected"),
    ];
    for (method, target, parameters, expected) in cases {
        let error = driver.refusal(method, target, parameters);
        assert_eq!(error.kind(), ErrorKind::InvalidParameters, "{method}: {error}");
        assert!(error.to_string().contains(expected), "{method}: {error}");
    }
    let stranger = Driver::new().call("Sfu.createRouter", &none, json!({}));
    let error = driver.refusal("Router.dump", &stranger["id"], none.clone());
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("of this Sfu"), "{error}");
}

#[test]
fn keys_of_plain_transports_are_text() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let listen = json!({ "listen": "127.0.0.1:0", "srtpProfile": "AEAD_AES_128_GCM" });
    let one = driver.call("Router.createPlainTransport", &room["id"], listen.clone());
    let two = driver.call("Router.createPlainTransport", &room["id"], listen);
    assert_eq!(one["srtpParameters"]["profile"], "AEAD_AES_128_GCM");
    assert_eq!(one["srtpParameters"]["keyBase64"].as_str().unwrap().len(), 40, "28 bytes");
    let remote = json!({ "address": two["localAddress"], "srtpParameters": two["srtpParameters"] });
    driver.call("PlainTransport.connect", &one["id"], remote);
    let short = json!({
        "address": one["localAddress"],
        "srtpParameters": { "profile": "AEAD_AES_128_GCM", "keyBase64": "AAAA" },
    });
    let error = driver.refusal("PlainTransport.connect", &two["id"], short);
    assert!(error.to_string().contains("16 bytes of key and 12 of salt"), "{error}");
}

#[test]
fn calls_are_carried_out_in_their_order() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let direct = driver.call("Router.createDirectTransport", &room["id"], none.clone());
    let produce = json!({ "kind": "audio", "rtpParameters": opus() });
    let producer = driver.call("DirectTransport.produce", &direct["id"], produce);
    let mut stats = Vec::new();
    for round in 0..200 {
        let act = if round % 2 == 0 { "Producer.pause" } else { "Producer.resume" };
        driver.submit(act, &producer["id"], none.clone());
        let request = driver.submit("Producer.stats", &producer["id"], none.clone());
        stats.push((request, round % 2 == 0));
    }
    for (request, paused) in stats {
        assert_eq!(driver.outcome(request).unwrap().value["paused"], paused);
    }
}

#[test]
fn a_completion_comes_before_what_happened_after_it() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    for _ in 0..300 {
        let request = driver.submit("Router.createDirectTransport", &room["id"], none.clone());
        let made = loop {
            driver.client.wait(Some(PATIENCE));
            match driver.client.poll() {
                Some(Incoming::Completion { request: of, result }) if of == request => {
                    break result.unwrap().value;
                }
                other => assert!(other.is_none(), "{other:?}"),
            }
        };
        let request = driver.submit("DirectTransport.close", &made["id"], none.clone());
        // The end of the call first, then the event of the same moment.
        loop {
            driver.client.wait(Some(PATIENCE));
            match driver.client.poll() {
                Some(Incoming::Completion { request: of, .. }) => {
                    assert_eq!(of, request);
                    break;
                }
                other => assert!(other.is_none(), "{other:?}"),
            }
        }
        driver.events.clear();
        driver.until(|driver| driver.has_event("transport-closed"));
    }
}

#[test]
fn closing_ends_everything_once() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let late: Vec<_> = (0..50)
        .map(|_| driver.submit("Router.createDirectTransport", &room["id"], none.clone()))
        .collect();
    let closing = driver.submit("Sfu.close", &none, none.clone());
    driver.client.close();
    assert!(driver.client.is_closed());
    let after = driver.submit("Sfu.shards", &none, none.clone());
    driver.until(|driver| driver.closed);
    driver.outcome(closing).unwrap();
    assert_eq!(driver.outcome(after).unwrap_err().kind(), ErrorKind::Closed);
    for request in late {
        // Those that a shard had answered already are lost with it.
        if let Err(error) = driver.outcome(request) {
            assert_eq!(error.kind(), ErrorKind::Closed);
        }
    }
    assert!(!driver.client.wait(Some(PATIENCE)), "nothing comes any more");
    assert!(!driver.drain());
}

#[test]
fn events_that_are_not_taken_in_time_are_counted() {
    let options = json!({ "listen": ["127.0.0.1:0"], "eventCapacity": 16 });
    let (mut driver, none) = (Driver::with(options), Value::Null);
    let room = driver.call("Sfu.createRouter", &none, json!({}));
    let direct = driver.call("Router.createDirectTransport", &room["id"], none.clone());
    let produce = json!({ "kind": "audio", "rtpParameters": opus() });
    let producer = driver.call("DirectTransport.produce", &direct["id"], produce);
    let consume = json!({ "producer": producer["id"], "rtpCapabilities": room["rtpCapabilities"] });
    driver.call("DirectTransport.consume", &direct["id"], consume);
    driver.drain();
    let packets = (0..100).map(packet).collect();
    let parameters = json!({ "producer": producer["id"] });
    driver.send("DirectTransport.sendRtp", &direct["id"], parameters, packets);
    let told = |driver: &Driver| {
        let lost = driver.events.iter().filter(|(event, _)| event["type"] == "lagged");
        lost.map(|(event, _)| event["count"].as_u64().unwrap()).sum::<u64>()
    };
    driver.until(|driver| driver.packets.len() as u64 + told(driver) >= 100);
    assert!(told(&driver) > 0);
}

#[test]
fn codecs_are_replaced_at_once_and_in_the_order_of_the_calls() {
    let (mut driver, none) = (Driver::new(), Value::Null);
    let vp8 = json!({ "kind": "video", "mimeType": "video/VP8", "clockRate": 90000 });
    let opus =
        json!({ "kind": "audio", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2 });
    let room = driver.call("Sfu.createRouter", &none, json!({ "codecs": [opus, vp8] }));
    let direct = driver.call("Router.createDirectTransport", &room["id"], none.clone());
    let produce = |ssrc: u32| {
        json!({ "kind": "video", "rtpParameters": {
            "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000 }],
            "encodings": [{ "ssrc": ssrc }],
        } })
    };
    let router = RouterId::from_u64(number(&room["id"])).unwrap();
    let before = driver.submit("DirectTransport.produce", &direct["id"], produce(1));
    let told = driver.client.update_media_codecs(router, &json!([opus])).unwrap();
    let after = driver.submit("DirectTransport.produce", &direct["id"], produce(2));
    assert_eq!(told["codecs"], json!([room["rtpCapabilities"]["codecs"][0]]));
    let first = driver.outcome(before).unwrap().value;
    assert_eq!(driver.outcome(after).unwrap_err().kind(), ErrorKind::InvalidParameters);

    // What went before is still consumed, by whoever knows of it.
    let all = json!({ "producer": first["id"], "rtpCapabilities": room["rtpCapabilities"] });
    let consumer = driver.call("DirectTransport.consumePipe", &direct["id"], all);
    assert_eq!(consumer["rtpParameters"]["codecs"][0]["payloadType"], 97);
    driver.call("PipeConsumer.requestKeyFrame", &consumer["id"], none.clone());

    // The same as a call.
    let codecs = json!({ "codecs": [vp8, opus] });
    let told = driver.call("Router.updateMediaCodecs", &room["id"], codecs);
    assert_eq!(told["rtpCapabilities"]["codecs"][0]["preferredPayloadType"], 97);
    driver.call("DirectTransport.produce", &direct["id"], produce(3));
    let wrong = json!({ "codecs": [{ "kind": "video", "mimeType": "video/VP8" }] });
    let refused = driver.refusal("Router.updateMediaCodecs", &room["id"], wrong);
    assert!(refused.to_string().starts_with("codecs[0]"), "{refused}");
    let refused = driver.client.update_media_codecs(router, &json!([{ "kind": 1 }])).unwrap_err();
    assert!(refused.to_string().starts_with("codecs[0].kind"), "{refused}");

    driver.call("Router.close", &room["id"], none.clone());
    let gone = driver.client.update_media_codecs(router, &json!([])).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    driver.client.close();
    let closed = driver.client.update_media_codecs(router, &json!([])).unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

#[test]
fn methods_and_events_are_what_there_is() {
    for method in METHODS {
        let name = format!("{}.{}", method.noun, method.name);
        assert!(std::ptr::eq(Method::find(&name).unwrap(), method), "{name} is there twice");
        assert!(method.summary.ends_with('.'), "{name}: {}", method.summary);
    }
    assert!(EVENTS.windows(2).all(|pair| pair[0] != pair[1]));
    // Each event of the source, in the order of the source.
    let source = include_str!("../src/route/event.rs");
    let body = source.split("pub enum Event {").nth(1).unwrap().split("\nimpl ").next().unwrap();
    let variants = body.lines().filter_map(|line| {
        let name = line.strip_prefix("    ")?.trim_end_matches([' ', '{', '(']);
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase());
        (is_name && !name.contains(' ')).then_some(name)
    });
    let kebab = |name: &str| {
        let mut text = String::new();
        for (at, letter) in name.char_indices() {
            if letter.is_ascii_uppercase() && at > 0 {
                text.push('-');
            }
            text.push(letter.to_ascii_lowercase());
        }
        text
    };
    assert_eq!(variants.map(kebab).collect::<Vec<_>>(), EVENTS);
}

#[test]
fn a_certificate_needs_its_key_and_the_key_is_not_shown() {
    let listen = serde_json::json!(["127.0.0.1:0"]);
    for half in ["certificate", "privateKey"] {
        let options = serde_json::json!({ "listen": listen, half: "PEM-TEXT" });
        let options = ClientOptions::from_value(options).unwrap();
        let error = Client::start(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameters);
        assert!(error.to_string().starts_with("certificate, privateKey: "), "{error}");
    }
    let both =
        serde_json::json!({ "listen": listen, "certificate": "a", "privateKey": "PEM-TEXT" });
    let options = ClientOptions::from_value(both).unwrap();
    assert!(!format!("{options:?}").contains("PEM-TEXT"));
    let error = Client::start(options).unwrap_err();
    assert!(error.to_string().starts_with("certificate: "), "{error}");
}
