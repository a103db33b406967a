//! Counters of the server, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::meeting::Code;
use crate::signaling::protocol::ClientMessage;

/// Everything that the server counts. Labels come from closed sets only.
#[derive(Debug, Default)]
pub struct Metrics {
    responses: Mutex<BTreeMap<u16, u64>>,
    messages: [AtomicU64; ClientMessage::TYPES.len()],
    refused: [AtomicU64; Code::ALL.len()],
    sockets: AtomicUsize,
    chat_lost: AtomicU64,
    store_failures: AtomicU64,
}

/// A socket that is open as long as this lives.
#[derive(Debug)]
pub struct OpenSocket(Arc<Metrics>);

impl Metrics {
    /// Counts an HTTP response.
    pub fn response(&self, status: u16) {
        let mut responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        *responses.entry(status).or_default() += 1;
    }

    /// Counts a socket message of a known type.
    pub fn message(&self, kind: &str) {
        let counters = ClientMessage::TYPES.iter().zip(&self.messages);
        for (_, counter) in counters.filter(|(name, _)| **name == kind) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a refusal, by either way.
    pub fn refused(&self, code: Code) {
        for (_, counter) in Code::ALL.iter().zip(&self.refused).filter(|(known, _)| **known == code)
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts chat messages that reached the meeting and not the store.
    pub fn chat_lost(&self, messages: usize) {
        self.chat_lost.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// Counts a failure of the store.
    pub fn store_failed(&self) {
        self.store_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an open socket.
    #[must_use]
    pub fn socket(self: &Arc<Self>) -> OpenSocket {
        self.sockets.fetch_add(1, Ordering::Relaxed);
        OpenSocket(Arc::clone(self))
    }

    /// How many sockets are open.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.sockets.load(Ordering::Relaxed)
    }

    /// Everything as text.
    #[must_use]
    pub fn render(&self, meetings: usize, participants: usize) -> String {
        let mut text = String::with_capacity(2048);
        let mut family = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let plain = |value: usize| vec![(String::new(), value as u64)];
        family("plenum_meetings", "gauge", "Meetings in memory.", &plain(meetings));
        family("plenum_participants", "gauge", "People in meetings.", &plain(participants));
        family("plenum_sockets", "gauge", "Open signalling sockets.", &plain(self.open_sockets()));

        let responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let values: Vec<_> = responses
            .into_iter()
            .map(|(status, count)| (format!("{{status=\"{status}\"}}"), count))
            .collect();
        family("plenum_http_responses_total", "counter", "HTTP responses by status.", &values);

        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let values: Vec<_> = ClientMessage::TYPES
            .iter()
            .zip(&self.messages)
            .map(|(kind, counter)| (format!("{{type=\"{kind}\"}}"), read(counter)))
            .collect();
        family("plenum_messages_total", "counter", "Socket messages by type.", &values);

        let values: Vec<_> = Code::ALL
            .iter()
            .zip(&self.refused)
            .map(|(code, counter)| (format!("{{code=\"{}\"}}", code.as_str()), read(counter)))
            .collect();
        family("plenum_refused_total", "counter", "Refused requests by code.", &values);

        let plain = |counter: &AtomicU64| vec![(String::new(), read(counter))];
        let help = "Chat messages that were broadcast and not stored.";
        family("plenum_chat_lost_total", "counter", help, &plain(&self.chat_lost));
        let help = "Failures of the store.";
        family("plenum_store_failures_total", "counter", help, &plain(&self.store_failures));
        text
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_show_up_under_their_labels() {
        let metrics = Arc::new(Metrics::default());
        metrics.response(201);
        metrics.message("mute");
        metrics.message("no such type");
        metrics.refused(Code::MeetingFull);
        let socket = metrics.socket();
        let text = metrics.render(1, 2);
        for line in [
            "plenum_meetings 1",
            "plenum_participants 2",
            "plenum_sockets 1",
            "plenum_http_responses_total{status=\"201\"} 1",
            "plenum_messages_total{type=\"mute\"} 1",
            "plenum_messages_total{type=\"ping\"} 0",
            "plenum_refused_total{code=\"meeting_full\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        drop(socket);
        assert_eq!(metrics.open_sockets(), 0);
    }
}
