//! Pipes: the transports that join routers, and what comes by links inside the
//! process.

use std::panic::AssertUnwindSafe;

use sfu_ice::Time;

use super::command::Reply;
use super::machine::Engine;
use super::output::Output;
use crate::route::transport::{Pipe, Plain, Security, TransportKind};
use crate::route::{
    CloseReason, CommandError, Consumer, ConsumerConfig, ConsumerId, PipeConfig, PipeLink,
    PlainConfig, Retired, RouterId, TransportId,
};

impl Engine {
    /// Takes in one packet, RTP or RTCP in the clear, that came by a link in
    /// this process. Its bytes may be changed.
    pub fn handle_pipe(&mut self, now: Time, link: PipeLink, packet: &mut [u8]) {
        let Some(key) = self.peers.by_link(link) else { return };
        let handled = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let Self { routers, pool, .. } = self;
            if let Some(router) = routers.get_mut(key.router as usize) {
                router.handle_linked(now, key.transport, packet, pool);
            }
            self.attend(key);
        }));
        if handled.is_err() {
            self.contain(now, Some(key));
        }
    }

    /// The other end of a link in this process is gone: so is the pipe.
    pub fn handle_link_closed(&mut self, now: Time, link: PipeLink) {
        if let Some(key) = self.peers.by_link(link) {
            self.close_transport(now, key, CloseReason::OriginClosed);
        }
    }

    pub(super) fn create_pipe(
        &mut self,
        now: Time,
        router: RouterId,
        config: PipeConfig,
    ) -> Result<Reply, CommandError> {
        let unused = match config {
            PipeConfig::Udp { local, .. } => Output::SocketReleased(local),
            PipeConfig::Local(link) => Output::LinkReleased(link),
        };
        let made = self.add_pipe(now, router, config);
        if made.is_err() {
            // The host opened it, and nobody will use it.
            self.outputs.push(unused);
        }
        made
    }

    fn add_pipe(
        &mut self,
        now: Time,
        router: RouterId,
        config: PipeConfig,
    ) -> Result<Reply, CommandError> {
        let index = self.router_index(router)?;
        match config {
            PipeConfig::Udp { local, srtp, demand } => {
                if self.peers.owns_local(local) {
                    return Err(CommandError::AddressInUse(local));
                }
                let master = srtp.map(|profile| self.srtp_master(profile));
                let security = if srtp.is_some() { Security::Pending } else { Security::Clear };
                let plain = PlainConfig { local, local_rtcp: None, comedia: false, srtp };
                let kind = TransportKind::Plain(Box::new(Plain::new(plain, master.clone())));
                let transport = self.add_piped(now, index, kind, security, demand)?;
                let key = self.transport_key(transport)?;
                self.peers.add_local(local, key);
                Ok(Reply::PipeTransport { transport, local: Some(local), srtp: master })
            }
            PipeConfig::Local(link) => {
                if self.peers.by_link(link).is_some() {
                    return Err(CommandError::InvalidParameters {
                        what: "link of the pipe",
                        expected: "one that no other transport has",
                    });
                }
                let kind = TransportKind::Local(link);
                let transport = self.add_piped(now, index, kind, Security::Clear, true)?;
                let key = self.transport_key(transport)?;
                self.peers.add_link(link, key);
                Ok(Reply::PipeTransport { transport, local: None, srtp: None })
            }
        }
    }

    fn add_piped(
        &mut self,
        now: Time,
        router: u32,
        kind: TransportKind,
        security: Security,
        demand: bool,
    ) -> Result<TransportId, CommandError> {
        let (id, key) = self.add_transport(now, router, kind, security)?;
        if let Some(transport) = self.transport_mut(key) {
            transport.make_pipe(Pipe::new(demand));
        }
        Ok(id)
    }

    pub(super) fn consume_pipe(
        &mut self,
        now: Time,
        id: TransportId,
        configs: Vec<ConsumerConfig>,
    ) -> Result<Reply, CommandError> {
        let key = self.transport_key(id)?;
        let of_one = |expected| CommandError::InvalidParameters {
            what: "consumers of all encodings",
            expected,
        };
        let followed = configs.first().and_then(|config| config.producer);
        if followed.is_none() || configs.iter().any(|config| config.producer != followed) {
            return Err(of_one("one for each encoding of one producer"));
        }
        let producer = self.followed(key.router, followed)?.ok_or(CommandError::Contained)?;
        let mut legs = Vec::with_capacity(configs.len());
        for config in configs {
            let id = ConsumerId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
            legs.push(Consumer::new(id, key.transport, config, &mut self.random));
        }
        let ids: Vec<ConsumerId> = legs.iter().map(|leg| leg.id).collect();
        let limits = self.limits();
        let router = self.routers.get_mut(key.router as usize).ok_or(CommandError::Contained)?;
        let places = router.consume_pipe(now, legs, producer, &limits)?;
        for (id, place) in ids.iter().zip(places) {
            self.consumer_ids.insert(*id, (key.router, place));
        }
        self.attend(key);
        Ok(Reply::PipeConsumers(ids))
    }

    /// Closes what ended with something at the other end of a pipe.
    pub(super) fn retire(&mut self, index: u32) {
        let Self { routers, pool, events, producer_ids, consumer_ids, .. } = self;
        let Some(router) = routers.get_mut(index as usize) else { return };
        while let Some(retired) = router.retired.pop() {
            let reason = CloseReason::OriginClosed;
            match retired {
                Retired::Producer(key) => {
                    if let Some(id) = router.close_producer(key, reason, pool, events) {
                        producer_ids.remove(&id);
                    }
                }
                Retired::Consumer(key) => {
                    if let Some(id) = router.close_consumer(key, reason, events) {
                        consumer_ids.remove(&id);
                    }
                }
            }
        }
    }
}
