//! What `bench.py --rust` compares with: the router of its forwarding, driven
//! from Rust. Takes the receivers' address and prints where to send to; then,
//! for each line that it reads, the datagrams that its shard has sent and the
//! nanoseconds that it was busy.

use std::io::{Write, stdin, stdout};

use serde_json::{Value, json};
use sfu_core::client::{Call, Client, ClientOptions, Incoming};

struct Caller(Client);

impl Caller {
    /// Calls, and waits for the answer.
    fn call(&self, method: &str, target: &Value, parameters: Value) -> Value {
        let target = target["id"].as_str().map_or(0, |id| u64::from_str_radix(id, 16).unwrap_or(0));
        let wanted = self.0.submit(Call::new(method, target, parameters, Vec::new()));
        loop {
            self.0.wait(None);
            while let Some(incoming) = self.0.poll() {
                match incoming {
                    Incoming::Completion { request, result } if request == wanted => {
                        return result
                            .map_or_else(|refused| panic!("{method}: {refused}"), |a| a.value);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn main() {
    let sink = std::env::args().nth(1).expect("the receivers' address is an argument");
    let options: ClientOptions =
        serde_json::from_value(json!({ "listen": ["127.0.0.1:0"] })).unwrap();
    let sfu = Caller(Client::start(options).unwrap());
    let router = sfu.call("Sfu.createRouter", &Value::Null, json!({}));
    let listen = json!({ "listen": "127.0.0.1:0", "comedia": true });
    let source = sfu.call("Router.createPlainTransport", &router, listen);
    let opus = json!({
        "codecs": [
            { "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2 }
        ],
        "encodings": [{ "ssrc": 9 }],
    });
    let produce = json!({ "kind": "audio", "rtpParameters": opus });
    let voice = sfu.call("PlainTransport.produce", &source, produce);
    for _ in 0..10 {
        let out =
            sfu.call("Router.createPlainTransport", &router, json!({ "listen": "127.0.0.1:0" }));
        sfu.call("PlainTransport.connect", &out, json!({ "address": sink }));
        let consume =
            json!({ "producer": voice["id"], "rtpCapabilities": router["rtpCapabilities"] });
        sfu.call("PlainTransport.consume", &out, consume);
    }
    println!("{}", source["localAddress"].as_str().unwrap());
    for _ in stdin().lines() {
        let stats = sfu.call("Sfu.shardStats", &Value::Null, json!({ "shard": 0 }));
        println!("{} {}", stats["sentDatagrams"], stats["busyMs"].as_f64().unwrap() * 1e6);
        stdout().flush().unwrap();
    }
}
