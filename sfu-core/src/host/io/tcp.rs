//! Passive ICE-TCP: one listening port and its connections, with the framing of
//! RFC 4571.
//!
//! The shard owns it. A connection that does not prove itself by ICE within a
//! while, that breaks the framing, or that takes nothing, is closed.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use hashbrown::HashMap;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use sfu_ice::ice::{FrameDecoder, frame_header};
use sfu_ice::{Protocol, Time, Tuple};
use socket2::{Domain, Socket, Type};

use crate::wire::buf::Run;

/// Largest packet: an Ethernet frame's worth, and some.
const MAX_FRAME: u16 = 2048;
/// Connections that one port holds.
const MAX_CONNECTIONS: usize = 1024;
/// Bytes that wait for one connection; a slower one loses packets.
const MAX_QUEUE: usize = 256 << 10;
/// Bytes read from one connection in one turn.
const READ_BUDGET: usize = 64 << 10;
/// A connection that brings nothing for this long is closed.
const IDLE: Duration = Duration::from_secs(40);

pub(crate) struct TcpPort {
    listener: TcpListener,
    local: SocketAddr,
    token: usize,
    next: usize,
    acceptable: bool,
    connections: HashMap<usize, Connection>,
    by_tuple: HashMap<Tuple, usize>,
    buffer: Box<[u8]>,
    /// Packets that found a full queue.
    pub(crate) dropped: u64,
}

struct Connection {
    stream: TcpStream,
    tuple: Tuple,
    decoder: FrameDecoder,
    queue: VecDeque<u8>,
    readable: bool,
    writable: bool,
    broken: bool,
    last_heard: Time,
}

impl TcpPort {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(256)?;
        let listener = TcpListener::from_std(socket.into());
        let local = listener.local_addr()?;
        Ok(Self {
            listener,
            local,
            token: 0,
            next: 0,
            acceptable: true,
            connections: HashMap::new(),
            by_tuple: HashMap::new(),
            buffer: vec![0; 16 << 10].into_boxed_slice(),
            dropped: 0,
        })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Closes all connections; dropping it closes the listener.
    pub(crate) fn close(&mut self, registry: &Registry) {
        let tokens: Vec<usize> = self.connections.keys().copied().collect();
        for token in tokens {
            self.remove(registry, token);
        }
        // Dropping the listener closes it; that cannot fail usefully.
        let _ = registry.deregister(&mut self.listener);
    }

    /// Registers the listener as `token`; connections take tokens from `first`.
    pub(crate) fn register(
        &mut self,
        registry: &Registry,
        token: usize,
        first: usize,
    ) -> io::Result<()> {
        self.token = token;
        self.next = first;
        registry.register(&mut self.listener, Token(token), Interest::READABLE)
    }

    pub(crate) fn note_readiness(&mut self, token: usize, readable: bool, writable: bool) {
        if token == self.token {
            self.acceptable |= readable;
        } else if let Some(connection) = self.connections.get_mut(&token) {
            connection.readable |= readable;
            connection.writable |= writable;
            if connection.writable {
                connection.flush();
            }
        }
    }

    /// Accepts, reads, and hands each packet to `handle`. Whether more waits.
    pub(crate) fn receive(
        &mut self,
        now: Time,
        registry: &Registry,
        mut handle: impl FnMut(Tuple, &mut [u8]),
    ) -> bool {
        self.accept(now, registry);
        let mut more = false;
        let mut gone = Vec::new();
        for (token, connection) in &mut self.connections {
            if connection.readable {
                connection.read(now, &mut self.buffer, &mut handle);
            }
            more |= connection.readable;
            if connection.broken || now.since(connection.last_heard) > IDLE {
                gone.push(*token);
            }
        }
        for token in gone {
            self.remove(registry, token);
        }
        more
    }

    /// Frames and sends the packets of a run; whether the path is one of ours.
    pub(crate) fn send(&mut self, run: &Run<'_>) -> bool {
        let Some(token) = self.by_tuple.get(&run.tuple) else { return false };
        let Some(connection) = self.connections.get_mut(token) else { return false };
        for packet in run.packets() {
            let Some(header) = frame_header(packet) else { continue };
            if connection.queue.len() + packet.len() + header.len() > MAX_QUEUE {
                self.dropped += 1;
                continue;
            }
            connection.queue.extend(header);
            connection.queue.extend(packet);
        }
        connection.flush();
        true
    }

    /// Closes the connection of a path that is no longer used.
    pub(crate) fn release(&mut self, registry: &Registry, tuple: &Tuple) {
        if let Some(token) = self.by_tuple.get(tuple).copied() {
            if let Some(connection) = self.connections.get_mut(&token) {
                connection.flush();
            }
            self.remove(registry, token);
        }
    }

    fn accept(&mut self, now: Time, registry: &Registry) {
        while self.acceptable {
            let (mut stream, remote) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.acceptable = error.kind() == io::ErrorKind::Interrupted;
                    return;
                }
            };
            if self.connections.len() >= MAX_CONNECTIONS {
                continue;
            }
            let token = self.next;
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            if registry.register(&mut stream, Token(token), interest).is_err() {
                continue;
            }
            // Small packets must not wait for each other; a refusal costs
            // latency only.
            let _ = stream.set_nodelay(true);
            let local = stream.local_addr().unwrap_or(self.local);
            let tuple = Tuple::new(Protocol::Tcp, local, remote);
            self.by_tuple.insert(tuple, token);
            let connection = Connection {
                stream,
                tuple,
                decoder: FrameDecoder::new(MAX_FRAME),
                queue: VecDeque::new(),
                readable: true,
                writable: true,
                broken: false,
                last_heard: now,
            };
            self.connections.insert(token, connection);
        }
    }

    fn remove(&mut self, registry: &Registry, token: usize) {
        if let Some(mut connection) = self.connections.remove(&token) {
            self.by_tuple.remove(&connection.tuple);
            // Dropping the stream closes it; that cannot fail usefully.
            let _ = registry.deregister(&mut connection.stream);
        }
    }
}

impl Connection {
    fn read(&mut self, now: Time, buffer: &mut [u8], handle: &mut impl FnMut(Tuple, &mut [u8])) {
        let mut budget = READ_BUDGET;
        while budget > 0 && !self.broken {
            let len = match self.stream.read(buffer) {
                Ok(0) => {
                    self.broken = true;
                    return;
                }
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.readable = false;
                    self.broken = error.kind() != io::ErrorKind::WouldBlock;
                    return;
                }
            };
            budget = budget.saturating_sub(len);
            self.last_heard = now;
            let mut input = buffer.get(..len).unwrap_or_default();
            loop {
                match self.decoder.decode(&mut input) {
                    Ok(Some(packet)) => {
                        let mut packet = packet.to_vec();
                        handle(self.tuple, &mut packet);
                    }
                    Ok(None) => break,
                    Err(_) => {
                        self.broken = true;
                        return;
                    }
                }
            }
        }
    }

    fn flush(&mut self) {
        while self.writable && !self.queue.is_empty() {
            let (front, _) = self.queue.as_slices();
            match self.stream.write(front) {
                Ok(0) => self.broken = true,
                Ok(sent) => {
                    self.queue.drain(..sent);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(_) => self.broken = true,
            }
            return;
        }
    }
}
