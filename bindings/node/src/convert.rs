//! Between JavaScript's values and those of the client: calls in, batches out.

use std::io::Write;

use bytes::Bytes;
use napi::bindgen_prelude::Uint8ArraySlice;
use serde_json::Value;
use sfu_core::client::{Answer, Incoming};

use crate::error::{Result, invalid};

/// Payloads of at least so many bytes are handed over as they are; shorter ones
/// are gathered, as a JavaScript buffer of its own costs more than a copy of
/// so little. `LONG_PAYLOAD` in `lib/native.ts` is the same.
const LONG: usize = 16_384;

/// Items of a batch at most.
const ITEMS: usize = 256;

/// Payload of a batch, after which it takes no more items.
const BYTES: usize = 1 << 20;

/// The id that a text of hexadecimal digits names; the empty text is the `Sfu`.
pub(crate) fn target(text: &str) -> Result<u64> {
    if text.is_empty() {
        return Ok(0);
    }
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
        .ok_or_else(|| invalid("id: expected 16 hexadecimal digits"))
}

/// Parameters from their JSON; none from the empty text.
pub(crate) fn parameters(json: &str) -> Result<Value> {
    if json.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(json).map_err(|error| invalid(format!("parameters: {error}")))
}

/// Copies payloads, which JavaScript may change later, into one allocation.
pub(crate) fn payloads(slices: &[Uint8ArraySlice<'_>]) -> Vec<Bytes> {
    let mut all = Vec::with_capacity(slices.iter().map(|slice| slice.len()).sum());
    for slice in slices {
        all.extend_from_slice(slice);
    }
    let mut all = Bytes::from(all);
    slices.iter().map(|slice| all.split_to(slice.len())).collect()
}

/// What is handed to JavaScript at once: items as a JSON array, short payloads
/// one after the other, and long ones each by itself.
pub(crate) struct Batch {
    json: Vec<u8>,
    short: Vec<u8>,
    long: Vec<Bytes>,
    items: usize,
    bytes: usize,
    /// Whether its last item says that nothing comes any more.
    pub(crate) last: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let json = vec![b'['];
        Self { json, short: Vec::new(), long: Vec::new(), items: 0, bytes: 0, last: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items >= ITEMS || self.bytes >= BYTES || self.last
    }

    /// The items, the short payloads and the long ones.
    pub(crate) fn into_parts(mut self) -> (String, Vec<u8>, Vec<Vec<u8>>) {
        self.json.push(b']');
        // JSON is UTF-8.
        let json = String::from_utf8(self.json).unwrap_or_default();
        (json, self.short, self.long.into_iter().map(Vec::from).collect())
    }

    pub(crate) fn push(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Completion { request, result: Ok(Answer { value, payload }) } => {
                self.begin(format_args!(r#""request":{},"value":"#, request.0));
                self.value(&value);
                self.payload(payload);
                self.end();
            }
            Incoming::Completion { request, result: Err(error) } => {
                self.begin(format_args!(r#""request":{},"error":"#, request.0));
                self.error(&error);
                self.end();
            }
            Incoming::Event { event, payload } => {
                self.begin(format_args!(r#""event":"#));
                self.value(&event);
                self.payload(payload);
                self.end();
            }
            Incoming::Rtp { consumer, packets, .. } => {
                let lengths: Vec<usize> = packets.iter().map(Bytes::len).collect();
                self.begin(format_args!(r#""consumer":"{consumer}","packets":{lengths:?}"#));
                for packet in packets {
                    self.store(packet);
                }
                self.end();
            }
            Incoming::Closed => self.push_closed(),
        }
    }

    pub(crate) fn push_started(&mut self) {
        self.begin(format_args!(r#""started":true"#));
        self.end();
    }

    pub(crate) fn push_failed(&mut self, error: &sfu_core::Error) {
        self.begin(format_args!(r#""failed":"#));
        self.error(error);
        self.end();
        self.last = true;
    }

    pub(crate) fn push_closed(&mut self) {
        self.begin(format_args!(r#""closed":true"#));
        self.end();
        self.last = true;
    }

    fn begin(&mut self, text: std::fmt::Arguments<'_>) {
        if self.items > 0 {
            self.json.push(b',');
        }
        self.items += 1;
        self.json.push(b'{');
        // Writing to memory does not fail.
        let _ = self.json.write_fmt(text);
    }

    fn end(&mut self) {
        self.json.push(b'}');
    }

    fn value(&mut self, value: &Value) {
        let _ = serde_json::to_writer(&mut self.json, value);
    }

    fn error(&mut self, error: &sfu_core::Error) {
        let _ = serde_json::to_writer(&mut self.json, &[error.kind().as_str(), &error.to_string()]);
    }

    fn payload(&mut self, payload: Option<Bytes>) {
        if let Some(payload) = payload {
            let _ = write!(self.json, r#","payload":{}"#, payload.len());
            self.store(payload);
        }
    }

    fn store(&mut self, payload: Bytes) {
        self.bytes += payload.len();
        if payload.len() >= LONG {
            self.long.push(payload);
        } else {
            self.short.extend_from_slice(&payload);
        }
    }
}
