//! One HTTP request on a connection of its own; enough for a well-behaved
//! server on the same machine.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

/// How long a busy server may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Bytes of the whole exchange, both ways.
    pub(crate) bytes: u64,
}

impl Answer {
    /// The JSON of an answer with this status.
    pub(crate) fn expect(&self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status == status, "the server answered {}: {}", self.status, self.body);
        serde_json::from_str(&self.body).context("the answer is not JSON")
    }
}

/// A connection from `local` to `server`.
pub(crate) fn connect(local: IpAddr, server: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::new(local, 0).into())?;
    socket.connect_timeout(&server.into(), PATIENCE).context("cannot connect to the server")?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

pub(crate) fn post(
    local: IpAddr,
    server: SocketAddr,
    path: &str,
    body: &Value,
) -> anyhow::Result<Answer> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    exchange(local, server, &(head + &body))
}

pub(crate) fn get(local: IpAddr, server: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    exchange(local, server, &head)
}

fn exchange(local: IpAddr, server: SocketAddr, request: &str) -> anyhow::Result<Answer> {
    let mut stream = connect(local, server)?;
    stream.write_all(request.as_bytes())?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).context("the server did not answer in time")?;
    let bytes = (request.len() + text.len()) as u64;
    let text = String::from_utf8(text).context("the answer is not text")?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("the answer has no end") };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.context("the answer has no status")?;
    Ok(Answer { status, body: body.to_owned(), bytes })
}
