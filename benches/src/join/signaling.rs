//! A participant's WebSocket, and what passes over it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::Value;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::http;

pub(crate) struct Signaling {
    socket: WebSocket<Counted>,
}

/// Counts the bytes of a connection, frames and handshake included.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    received: u64,
    sent: u64,
}

/// What a participant acts on.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerMessage {
    Joined(Box<Joined>),
    Answer {
        sdp: String,
    },
    Slots {
        assignments: Vec<Assignment>,
    },
    ActiveSpeaker(Speakers),
    PublishLayers {
        source: String,
        max_spatial: Option<u8>,
    },
    ParticipantJoined {
        participant: Person,
    },
    ParticipantLeft {
        participant_id: String,
    },
    Error {
        code: String,
        detail: String,
        in_reply_to: Option<String>,
    },
    Ended {
        reason: String,
    },
    /// Counted and passed over, unread.
    #[serde(skip)]
    Unread,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Joined {
    pub(crate) participant_id: String,
    pub(crate) participants: Vec<Person>,
    #[serde(default)]
    pub(crate) speakers: Option<Speakers>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Person {
    pub(crate) participant_id: String,
    pub(crate) video_enabled: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Speakers {
    pub(crate) participant_id: Option<String>,
    #[serde(default)]
    pub(crate) previous_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) mid: String,
    pub(crate) participant_id: Option<String>,
    /// The slot follows the speakers by itself; this is the rank.
    #[serde(default)]
    pub(crate) speaker: Option<u8>,
}

impl Signaling {
    /// Opens the socket at `path`. Blocks; what follows does not.
    pub(crate) fn open(local: IpAddr, server: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let stream = Counted { stream: http::connect(local, server)?, received: 0, sent: 0 };
        // A thousand of the default 128 KiB would be much.
        let config = WebSocketConfig::default().read_buffer_size(8 * 1_024);
        let url = format!("ws://{server}{path}");
        let (socket, _) = tungstenite::client::client_with_config(url, stream, Some(config))
            .map_err(|error| anyhow!("no WebSocket: {error}"))?;
        socket.get_ref().stream.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.socket.get_ref().stream.as_raw_fd()
    }

    /// Bytes so far: received, sent.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let counted = self.socket.get_ref();
        (counted.received, counted.sent)
    }

    /// Sends a message; what the kernel does not take yet goes with the next
    /// [`flush`](Self::flush).
    pub(crate) fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        match self.socket.send(Message::text(message.to_string())) {
            Ok(()) => Ok(()),
            Err(error) if would_block(&error) => Ok(()),
            Err(error) => Err(error).context("the signalling socket failed"),
        }
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        match self.socket.flush() {
            Ok(()) => Ok(()),
            Err(error) if would_block(&error) => Ok(()),
            Err(error) => Err(error).context("the signalling socket failed"),
        }
    }

    /// The next message and its length; `None` when there is none for now.
    pub(crate) fn receive(&mut self) -> anyhow::Result<Option<(ServerMessage, usize)>> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Ok(Some((ServerMessage::read(&text)?, text.len())));
                }
                Ok(Message::Close(frame)) => anyhow::bail!("the server closed: {frame:?}"),
                Ok(_) => {}
                Err(error) if would_block(&error) => return Ok(None),
                Err(error) => return Err(error).context("the signalling socket failed"),
            }
        }
    }
}

impl ServerMessage {
    /// News about others come by the thousand; they begin with their type, and
    /// are not read any further.
    fn read(text: &str) -> anyhow::Result<Self> {
        const UNREAD: [&str; 4] = [
            r#"{"type":"participants_changed""#,
            r#"{"type":"media_state""#,
            r#"{"type":"chat_broadcast""#,
            r#"{"type":"pong""#,
        ];
        if UNREAD.iter().any(|start| text.starts_with(start)) {
            return Ok(Self::Unread);
        }
        serde_json::from_str(text).with_context(|| format!("unexpected message: {text}"))
    }
}

fn would_block(error: &tungstenite::Error) -> bool {
    matches!(error, tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.stream.read(buf)?;
        self.received += len as u64;
        Ok(len)
    }
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = self.stream.write(buf)?;
        self.sent += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_far_as_they_matter() {
        let read = |text| ServerMessage::read(text).unwrap();
        let slots = r#"{"type":"slots","assignments":[
            {"mid":"4","participant_id":"a","source":"microphone"},
            {"mid":"5","participant_id":null,"source":"camera","speaker":0}]}"#;
        let ServerMessage::Slots { assignments } = read(slots) else { panic!() };
        assert_eq!(assignments[0].participant_id.as_deref(), Some("a"));
        assert_eq!(assignments[1].speaker, Some(0));
        let news = r#"{"type":"participants_changed","joined":[]}"#;
        assert!(matches!(read(news), ServerMessage::Unread));
        assert!(matches!(read(r#"{"type":"spotlight"}"#), ServerMessage::Other));
        assert!(ServerMessage::read("[]").is_err());
    }
}
