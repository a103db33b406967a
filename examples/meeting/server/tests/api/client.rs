//! A server on a free port, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use meeting_server::media::fake::FakePlane;
use meeting_server::store::SqliteStore;
use meeting_server::{App, Listeners, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// More than any answer takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Where those who run the server look.
    pub(crate) operator: SocketAddr,
    pub(crate) media: FakePlane,
    pub(crate) store: SqliteStore,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::on(settings, FakePlane::default()).await
    }

    pub(crate) async fn on(settings: Settings, media: FakePlane) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("plenum.sqlite")).await.unwrap();
        let (app, background) =
            App::start(settings, Arc::new(store.clone()), Arc::new(media.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operator = metrics.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            let listeners = Listeners { public: listener, metrics: Some(metrics) };
            meeting_server::serve(listeners, &app, stopped).await.unwrap();
            let mut background = background;
            background.stop_clock().await;
            drop(app);
            background.finish().await;
        });
        Self {
            address,
            operator,
            media,
            store,
            stop: Some(stop),
            task: Some(task),
            _folder: folder,
        }
    }

    /// Stops as the binary does on a signal.
    pub(crate) async fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        timeout(PATIENCE, self.task.take().unwrap()).await.unwrap().unwrap();
    }

    pub(crate) async fn create(&self) -> Value {
        self.post("/api/meetings", &json!({ "title": "Stand-up" })).await.expect(201)
    }

    /// Creates a meeting and seats `names` in it.
    pub(crate) async fn meeting<const N: usize>(&self, names: [&str; N]) -> [Client; N] {
        let meeting = self.create().await;
        let id = meeting["meeting_id"].as_str().unwrap();
        let mut clients = Vec::new();
        for name in names {
            let seat = self.join(id, name).await;
            clients.push(Client::connect(self, &seat).await);
        }
        clients.try_into().ok().unwrap()
    }

    pub(crate) async fn join(&self, meeting: &str, name: &str) -> Value {
        let path = format!("/api/meetings/{meeting}/join");
        self.post(&path, &json!({ "display_name": name })).await.expect(200)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[JSON], &body.to_string()).await
    }

    pub(crate) async fn as_seat(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.request(method, path, &[JSON, ("authorization", &bearer)], &body.to_string()).await
    }

    /// One request on a connection of its own; enough of HTTP for a test.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        exchange(self.address, method, path, headers, body).await
    }

    /// A request to the listener that the public does not reach.
    pub(crate) async fn operator_request(&self, method: &str, path: &str) -> Answer {
        exchange(self.operator, method, path, &[], "").await
    }

    /// The figures for Prometheus.
    pub(crate) async fn metrics(&self) -> String {
        self.operator_request("GET", "/metrics").await.body
    }
}

async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n", body.len());
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        // The server may refuse a body before it has read it all.
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let answer = timeout(PATIENCE, exchange).await.unwrap();
    Answer::parse(&String::from_utf8(answer).unwrap())
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let name = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&name))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()
    }

    /// Checks that it is a problem of this status and code, and returns the fields it names.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) meeting: String,
    pub(crate) joined: Value,
}

impl Client {
    /// Takes the seat that a REST join returned.
    pub(crate) async fn connect(server: &Server, seat: &Value) -> Self {
        let mut client = Self::open(server, seat).await;
        client.send(&json!({ "type": "join", "token": client.token })).await;
        client.joined = client.expect("joined").await;
        client
    }

    /// Opens the socket and says nothing.
    pub(crate) async fn open(server: &Server, seat: &Value) -> Self {
        let path = seat["signaling_server_url"].as_str().unwrap();
        let url = format!("ws://{}{path}", server.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            socket,
            id: text(&seat["participant_id"]),
            token: text(&seat["token"]),
            meeting: text(&seat["meeting_state"]["meeting_id"]),
            joined: Value::Null,
        }
    }

    pub(crate) fn seat(&self) -> Value {
        json!({
            "participant_id": self.id, "token": self.token,
            "signaling_server_url": format!("/api/meetings/{}/signaling", self.meeting),
            "meeting_state": { "meeting_id": self.meeting },
        })
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/meetings/{}{rest}", self.meeting)
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_frame(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn send_frame(
        &mut self,
        frame: Message,
    ) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        timeout(PATIENCE, self.socket.send(frame)).await.unwrap()
    }

    pub(crate) async fn offer(&mut self) {
        self.send(&offer()).await;
    }

    /// The next message of this type; others are passed over.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        self.expect_that(kind, |_| true).await
    }

    pub(crate) async fn expect_that(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let wait = async {
            loop {
                match self.next().await {
                    Ok(message) if message["type"] == kind && fits(&message) => return message,
                    Ok(message) => passed.push(message),
                    Err(close) => panic!("closed with {close:?} while waiting for {kind}"),
                }
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(message) => message,
            Err(_) => panic!("no {kind} came, but {passed:?}"),
        }
    }

    /// Everything until the server closes the socket, and how it did.
    pub(crate) async fn until_closed(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut messages = Vec::new();
        let wait = async {
            loop {
                match self.next().await {
                    Ok(message) => messages.push(message),
                    Err(close) => return close.map(|frame| frame.code.into()),
                }
            }
        };
        let close = timeout(PATIENCE, wait).await.unwrap();
        (messages, close)
    }

    /// Drops the connection without a word, as a lost network does.
    pub(crate) fn vanish(self) -> Value {
        self.seat()
    }

    async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}

pub(crate) fn offer() -> Value {
    json!({
        "type": "offer", "offer_id": 1, "sdp": "v=0\r\n",
        "tracks": [
            { "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" },
            { "mid": "2", "source": "screen" }, { "mid": "3", "source": "screen_audio" },
        ],
        "slots": [
            { "mid": "4", "kind": "audio", "role": "participant" },
            { "mid": "5", "kind": "video", "role": "participant" },
            { "mid": "6", "kind": "video", "role": "screen" },
        ],
    })
}
