//! Carries out commands.

use sfu_ice::{DtlsState, IceState, Peer, SrtpProfile, Time};

use super::command::{Command, Reply};
use super::machine::Engine;
use super::peers::TransportKey;
use crate::route::transport::{Plain, Security, Transport, TransportKind, WebRtc};
use crate::route::{
    CloseReason, CommandError, Consumer, ConsumerConfig, ConsumerId, DtlsRemote, Observer,
    PlainConfig, PlainRemote, ProducerConfig, ProducerId, Router, RouterId, RtpObserverId,
    SrtpMaster, TransportId,
};
use crate::wire::MediaKind;

type Result<T> = std::result::Result<T, CommandError>;

impl Engine {
    pub(super) fn execute(&mut self, now: Time, command: Command) -> Result<Reply> {
        match command {
            Command::CreateRouter => self.create_router(),
            Command::CloseRouter(id) => {
                let index = self.router_index(id)?;
                self.close_router_at(now, index);
                Ok(Reply::Done)
            }
            Command::CreateWebRtcTransport(router) => self.create_webrtc(now, router),
            Command::ConnectWebRtcTransport(id, remote) => self.connect_webrtc(now, id, remote),
            Command::RestartIce(id) => self.restart_ice(id),
            Command::CreatePlainTransport(router, config) => {
                self.create_plain(now, router, &config)
            }
            Command::ConnectPlainTransport(id, remote) => {
                self.connect_plain(now, id, &remote, false)
            }
            Command::CreatePipeTransport(router, config) => self.create_pipe(now, router, config),
            Command::ConnectPipeTransport(id, remote) => self.connect_plain(now, id, &remote, true),
            Command::CreateDirectTransport(router) => {
                let router = self.router_index(router)?;
                self.add_transport(now, router, TransportKind::Direct, Security::Clear)
                    .map(|(id, _)| Reply::Transport(id))
            }
            Command::CloseTransport(id) => {
                let key = self.transport_key(id)?;
                self.close_transport(now, key, CloseReason::Requested);
                Ok(Reply::Done)
            }
            Command::Produce(id, config) => self.produce(id, config),
            Command::CloseProducer(id) => self.close_producer(id),
            Command::PauseProducer(id) => self.pause_producer(now, id, true),
            Command::ResumeProducer(id) => self.pause_producer(now, id, false),
            Command::Consume(id, config) => self.consume(now, id, config),
            Command::ConsumePipe(id, legs) => self.consume_pipe(now, id, legs),
            Command::CloseConsumer(id) => self.close_consumer(id),
            Command::PauseConsumer(id) => self.pause_consumer(id, true),
            Command::ResumeConsumer(id) => self.pause_consumer(id, false),
            Command::SwitchConsumer(id, producer) => self.switch_consumer(now, id, producer),
            Command::FollowSpeaker(id, slot) => {
                let (router, key) = self.consumer_key(id)?;
                self.router_mut(router)?.follow_speaker(now, key, slot)?;
                self.activate_consumer(id)
            }
            Command::SetProducerSpeaker(id, speaker) => self.set_producer_speaker(id, speaker),
            Command::SetSpeakerOptions(id, options) => {
                let index = self.router_index(id)?;
                self.router_mut(index)?.set_speaker_options(options)?;
                self.activate(index);
                Ok(Reply::Done)
            }
            Command::Speakers(id) => {
                let index = self.router_index(id)?;
                Ok(Reply::Speakers(Box::new(self.router_mut(index)?.speakers())))
            }
            Command::CreateActiveSpeakerObserver(router, options) => {
                self.observe(router, |id| Observer::active_speaker(now, id, options))
            }
            Command::CreateAudioLevelObserver(router, options) => {
                self.observe(router, |id| Observer::audio_levels(now, id, options))
            }
            Command::ObserveProducer(id, producer) => self.watch(id, producer, true),
            Command::UnobserveProducer(id, producer) => self.watch(id, producer, false),
            Command::PauseRtpObserver(id) => self.pause_observer(now, id, true),
            Command::ResumeRtpObserver(id) => self.pause_observer(now, id, false),
            Command::CloseRtpObserver(id) => {
                let (index, key) = self.observer_key(id)?;
                let router = self.router_mut(index)?;
                router.observers.close(key, &mut router.producers);
                self.observer_ids.remove(&id);
                Ok(Reply::Done)
            }
            Command::SetPreferredLayers(id, layers) => {
                let (router, key) = self.consumer_key(id)?;
                let router = self.router_mut(router)?;
                if let Some(consumer) = router.consumers.get_mut(key as usize) {
                    consumer.set_preferred(now, layers);
                }
                router.unsettle(key);
                router.ask_key_frame(key);
                self.activate_consumer(id)
            }
            Command::SetDemand(id, demand) => {
                let (router, key) = self.consumer_key(id)?;
                let router = self.router_mut(router)?;
                if let Some(consumer) = router.consumers.get_mut(key as usize) {
                    consumer.demand = Some(demand);
                }
                router.unsettle(key);
                self.activate_consumer(id)
            }
            Command::SetAvailableOutgoingBitrate(id, available) => {
                let key = self.transport_key(id)?;
                let Self { routers, events, .. } = self;
                let router = routers.get_mut(key.router as usize);
                let router = router.ok_or(CommandError::Contained)?;
                router.set_available(now, key.transport, available, events);
                self.attend(key);
                Ok(Reply::Done)
            }
            Command::RequestKeyFrame(id) => {
                let (router, key) = self.consumer_key(id)?;
                self.router_mut(router)?.ask_current_key_frame(key);
                self.activate_consumer(id)
            }
            Command::SendRtp(id, producer, packet) => self.send_rtp(now, id, producer, &packet),
            Command::SendRtpBatch(id, producer, packets) => {
                self.send_rtp_batch(now, id, producer, &packets)
            }
            Command::SendRtcp(id, packet) => self.send_rtcp(now, id, &packet),
            Command::SetMaxIncomingBitrate(id, cap) => self.set_incoming_cap(now, id, cap),
            Command::TraceTransport(id, types) => self.trace_transport(id, types),
            Command::TraceProducer(id, types) => self.trace_producer(id, types),
            Command::TraceConsumer(id, types) => self.trace_consumer(id, types),
            Command::EnableData(id, config) => self.enable_data(now, id, config),
            Command::ProduceData(id, config) => self.produce_data(now, id, config),
            Command::CloseDataProducer(id) => self.close_data_producer(now, id),
            Command::PauseDataProducer(id) => self.pause_data_producer(id, true),
            Command::ResumeDataProducer(id) => self.pause_data_producer(id, false),
            Command::ConsumeData(id, config) => self.consume_data(now, id, &config),
            Command::CloseDataConsumer(id) => self.close_data_consumer(now, id),
            Command::PauseDataConsumer(id) => self.pause_data_consumer(id, true),
            Command::ResumeDataConsumer(id) => self.pause_data_consumer(id, false),
            Command::SendMessage(id, message) => self.send_message(now, id, &message),
            Command::SendMessageTo(id, message) => self.send_message_to(now, id, &message),
            Command::SetBufferedAmountLowThreshold(id, bytes) => self.set_low_threshold(id, bytes),
            Command::DumpRouter(id) => {
                let index = self.router_index(id)?;
                Ok(Reply::RouterDump(Box::new(self.router_mut(index)?.dump())))
            }
            Command::DescribeRouter(id) => {
                let index = self.router_index(id)?;
                let fingerprints = self.peer.dtls.certificate.fingerprints().to_vec();
                let description = self.router_mut(index)?.description(&fingerprints);
                Ok(Reply::RouterDescription(Box::new(description)))
            }
            Command::DataProducerStats(id) => self.data_producer_stats(id),
            Command::DataConsumerStats(id) => self.data_consumer_stats(id),
            Command::ProducerParameters(id) => {
                let (router, key) = self.producer_key(id)?;
                let producer = self.router_mut(router)?.producers.get(key as usize);
                let config = &producer.ok_or(CommandError::ProducerNotFound(id))?.config;
                Ok(Reply::ProducerParameters(config.kind, config.consumable.clone()))
            }
            Command::TransportStats(id) => {
                let key = self.transport_key(id)?;
                let stats = self.router_mut(key.router)?.transport_stats(key.transport);
                Ok(Reply::TransportStats(Box::new(stats.ok_or(CommandError::Contained)?)))
            }
            Command::ProducerStats(id) => {
                let (router, key) = self.producer_key(id)?;
                let stats = self.router_mut(router)?.producer_stats(now, key);
                Ok(Reply::ProducerStats(Box::new(stats.ok_or(CommandError::Contained)?)))
            }
            Command::ConsumerStats(id) => {
                let (router, key) = self.consumer_key(id)?;
                let stats = self.router_mut(router)?.consumer_stats(key);
                Ok(Reply::ConsumerStats(Box::new(stats.ok_or(CommandError::Contained)?)))
            }
            Command::Explain(id) => {
                let (router, key) = self.consumer_key(id)?;
                let explanation = self.router_mut(router)?.explain(now, key);
                Ok(Reply::Explanation(Box::new(explanation.ok_or(CommandError::Contained)?)))
            }
            Command::Snapshot(id) => self.snapshot(id),
            Command::Restore(bytes) => self.restore(now, &bytes),
        }
    }

    fn create_router(&mut self) -> Result<Reply> {
        let id = RouterId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let index = self.routers.insert(Router::new(id)) as u32;
        self.router_ids.insert(id, index);
        Ok(Reply::Router(id))
    }

    fn create_webrtc(&mut self, now: Time, router: RouterId) -> Result<Reply> {
        let index = self.router_index(router)?;
        let peer = Peer::new(self.peer.clone(), now, &mut self.random)
            .map_err(|error| CommandError::Transport(error.to_string()))?;
        let ice = peer.credentials().clone();
        let fingerprints = self.peer.dtls.certificate.fingerprints().to_vec();
        let webrtc = WebRtc { peer, ice: IceState::New, dtls: DtlsState::New, connected: false };
        let kind = TransportKind::WebRtc(Box::new(webrtc));
        let (transport, key) = self.add_transport(now, index, kind, Security::Pending)?;
        self.peers.add_ufrag(&ice.ufrag, key);
        Ok(Reply::WebRtcTransport { transport, ice, fingerprints })
    }

    fn connect_webrtc(&mut self, now: Time, id: TransportId, remote: DtlsRemote) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        let is = transport.kind_name();
        let TransportKind::WebRtc(webrtc) = &mut transport.kind else {
            return Err(CommandError::WrongTransportKind { transport: id, is, needs: "webrtc" });
        };
        if webrtc.connected {
            return Err(CommandError::AlreadyConnected(id));
        }
        webrtc
            .peer
            .set_remote_dtls(now, remote.role, remote.fingerprints)
            .map_err(|error| CommandError::Transport(error.to_string()))?;
        webrtc.connected = true;
        self.attend(key);
        Ok(Reply::Done)
    }

    fn restart_ice(&mut self, id: TransportId) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let Self { routers, random, .. } = self;
        let router = routers.get_mut(key.router as usize);
        let transport = router.and_then(|r| r.transports.get_mut(key.transport as usize));
        let transport = transport.ok_or(CommandError::TransportNotFound(id))?;
        let is = transport.kind_name();
        let TransportKind::WebRtc(webrtc) = &mut transport.kind else {
            return Err(CommandError::WrongTransportKind { transport: id, is, needs: "webrtc" });
        };
        let ice = webrtc.peer.restart_ice(random);
        self.peers.retain_ufrags(key, |ufrag| webrtc.peer.owns_ufrag(ufrag));
        self.peers.add_ufrag(&ice.ufrag, key);
        self.attend(key);
        Ok(Reply::Ice(ice))
    }

    fn create_plain(&mut self, now: Time, router: RouterId, config: &PlainConfig) -> Result<Reply> {
        let made = self.add_plain(now, router, config);
        if made.is_err() {
            // The host opened sockets for it that nobody will use.
            let locals = [Some(config.local), config.local_rtcp];
            let released = locals.into_iter().flatten().map(super::Output::SocketReleased);
            self.outputs.extend(released);
        }
        made
    }

    fn add_plain(&mut self, now: Time, router: RouterId, config: &PlainConfig) -> Result<Reply> {
        let index = self.router_index(router)?;
        for local in [Some(config.local), config.local_rtcp].into_iter().flatten() {
            if self.peers.owns_local(local) {
                return Err(CommandError::AddressInUse(local));
            }
        }
        let srtp = config.srtp.map(|profile| self.srtp_master(profile));
        let security = if config.srtp.is_some() { Security::Pending } else { Security::Clear };
        let kind = TransportKind::Plain(Box::new(Plain::new(config.clone(), srtp.clone())));
        let (transport, key) = self.add_transport(now, index, kind, security)?;
        self.peers.add_local(config.local, key);
        if let Some(local) = config.local_rtcp {
            self.peers.add_local(local, key);
        }
        Ok(Reply::PlainTransport {
            transport,
            local: config.local,
            local_rtcp: config.local_rtcp,
            srtp,
        })
    }

    pub(super) fn srtp_master(&mut self, profile: SrtpProfile) -> SrtpMaster {
        let mut master =
            SrtpMaster { key: vec![0; profile.key_len()], salt: vec![0; profile.salt_len()] };
        self.random.fill(&mut master.key);
        self.random.fill(&mut master.salt);
        master
    }

    fn connect_plain(
        &mut self,
        now: Time,
        id: TransportId,
        remote: &PlainRemote,
        pipe: bool,
    ) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        let is = transport.kind_name();
        let needs = if pipe { "pipe" } else { "plain" };
        let wrong = CommandError::WrongTransportKind { transport: id, is, needs };
        if pipe != transport.pipe.is_some() {
            return Err(wrong);
        }
        let TransportKind::Plain(plain) = &mut transport.kind else { return Err(wrong) };
        if plain.connected {
            return Err(CommandError::AlreadyConnected(id));
        }
        if remote.address.is_none() && !plain.config.comedia {
            return Err(CommandError::Transport(
                "address of the peer: expected one, since comedia is off".to_owned(),
            ));
        }
        let security = match (plain.config.srtp, &remote.srtp, &plain.local) {
            (None, None, _) => Security::Clear,
            (None, Some(_), _) => {
                let message = "a key was given, but the transport was made without SRTP";
                return Err(CommandError::SrtpKey(message.to_owned()));
            }
            (Some(profile), Some(remote), Some(local)) => {
                Security::from_masters(profile, local, remote)
                    .map_err(|error| CommandError::SrtpKey(error.to_string()))?
            }
            (Some(_), _, _) => {
                let message = "expected the peer's key, since the transport was made with SRTP";
                return Err(CommandError::SrtpKey(message.to_owned()));
            }
        };
        plain.connect(remote);
        transport.security = if pipe { security.allow_many_streams() } else { security };
        self.router_mut(key.router)?.transport_ready(now, key.transport);
        self.attend(key);
        Ok(Reply::Done)
    }

    pub(super) fn add_transport(
        &mut self,
        now: Time,
        router: u32,
        kind: TransportKind,
        security: Security,
    ) -> Result<(TransportId, TransportKey)> {
        let id = TransportId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let limits = self.limits();
        let timer = self.timers.vacant_key() as u32;
        let transport = Transport::new(now, id, timer, kind, security, &mut self.random);
        let transport = self.router_mut(router)?.add_transport(transport, &limits)?;
        let key = TransportKey { router, transport, timer };
        self.timers.insert(key);
        self.transport_ids.insert(id, key);
        self.attend(key);
        Ok((id, key))
    }

    fn produce(&mut self, id: TransportId, config: ProducerConfig) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let producer = ProducerId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let limits = self.limits();
        self.check_speaker(key.router, config.kind, config.speaker)?;
        let router = self.router_mut(key.router)?;
        let place = router.produce(key.transport, producer, config, &limits)?;
        self.producer_ids.insert(producer, (key.router, place));
        self.attend(key);
        Ok(Reply::Producer(producer))
    }

    fn consume(&mut self, now: Time, id: TransportId, config: ConsumerConfig) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let followed = self.followed(key.router, config.producer)?;
        let consumer = ConsumerId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let limits = self.limits();
        let consumer_state = Consumer::new(consumer, key.transport, config, &mut self.random);
        let router = self.router_mut(key.router)?;
        let place = router.consume(now, consumer_state, followed, &limits)?;
        self.consumer_ids.insert(consumer, (key.router, place));
        self.attend(key);
        Ok(Reply::Consumer(consumer))
    }

    /// The key of a producer that a consumer of this router may follow.
    pub(super) fn followed(
        &self,
        router: u32,
        producer: Option<ProducerId>,
    ) -> Result<Option<u32>> {
        let Some(id) = producer else { return Ok(None) };
        match self.producer_ids.get(&id) {
            Some((owner, key)) if *owner == router => Ok(Some(*key)),
            _ => Err(CommandError::ProducerNotFound(id)),
        }
    }

    fn close_producer(&mut self, id: ProducerId) -> Result<Reply> {
        let (index, key) = self.producer_key(id)?;
        let Self { routers, pool, events, .. } = self;
        let router = routers.get_mut(index as usize).ok_or(CommandError::Contained)?;
        router.close_producer(key, CloseReason::Requested, pool, events);
        self.producer_ids.remove(&id);
        self.activate(index);
        Ok(Reply::Done)
    }

    fn pause_producer(&mut self, now: Time, id: ProducerId, paused: bool) -> Result<Reply> {
        let (router, key) = self.producer_key(id)?;
        self.router_mut(router)?.set_producer_paused(now, key, paused);
        self.activate(router);
        Ok(Reply::Done)
    }

    fn close_consumer(&mut self, id: ConsumerId) -> Result<Reply> {
        let (index, key) = self.consumer_key(id)?;
        let Self { routers, events, .. } = self;
        let router = routers.get_mut(index as usize).ok_or(CommandError::Contained)?;
        router.close_consumer(key, CloseReason::Requested, events);
        self.consumer_ids.remove(&id);
        self.activate(index);
        Ok(Reply::Done)
    }

    fn pause_consumer(&mut self, id: ConsumerId, paused: bool) -> Result<Reply> {
        let (router, key) = self.consumer_key(id)?;
        self.router_mut(router)?.set_consumer_paused(key, paused);
        self.activate_consumer(id)
    }

    fn switch_consumer(
        &mut self,
        now: Time,
        id: ConsumerId,
        producer: Option<ProducerId>,
    ) -> Result<Reply> {
        let (router, key) = self.consumer_key(id)?;
        let followed = self.followed(router, producer)?;
        self.router_mut(router)?.switch(now, key, followed)?;
        self.activate_consumer(id)
    }

    fn set_producer_speaker(
        &mut self,
        id: ProducerId,
        speaker: Option<ProducerId>,
    ) -> Result<Reply> {
        let (index, key) = self.producer_key(id)?;
        let producer = self.router_mut(index)?.producers.get(key as usize);
        let kind = producer.ok_or(CommandError::ProducerNotFound(id))?.config.kind;
        self.check_speaker(index, kind, speaker)?;
        self.router_mut(index)?.set_producer_speaker(key, speaker);
        self.activate(index);
        Ok(Reply::Done)
    }

    /// Whether a producer of this kind can belong to that voice.
    fn check_speaker(
        &mut self,
        router: u32,
        kind: MediaKind,
        speaker: Option<ProducerId>,
    ) -> Result<()> {
        let Some(speaker) = self.followed(router, speaker)? else { return Ok(()) };
        let voice = self.router_mut(router)?.producers.get(speaker as usize);
        if voice.is_some_and(|voice| voice.voice.is_some()) && kind == MediaKind::Video {
            return Ok(());
        }
        let (what, expected) = ("speaker of a producer", "an audio producer, for a video producer");
        Err(CommandError::InvalidParameters { what, expected })
    }

    fn observe(
        &mut self,
        router: RouterId,
        make: impl FnOnce(RtpObserverId) -> Observer,
    ) -> Result<Reply> {
        let index = self.router_index(router)?;
        let id = RtpObserverId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let key = self.router_mut(index)?.observers.add(make(id))?;
        self.observer_ids.insert(id, (index, key));
        Ok(Reply::RtpObserver(id))
    }

    fn watch(&mut self, id: RtpObserverId, producer: ProducerId, watched: bool) -> Result<Reply> {
        let (index, key) = self.observer_key(id)?;
        let Some(producer) = self.followed(index, Some(producer))? else {
            return Err(CommandError::Contained);
        };
        let router = self.router_mut(index)?;
        router.observers.watch(key, producer, watched, &mut router.producers)?;
        Ok(Reply::Done)
    }

    fn pause_observer(&mut self, now: Time, id: RtpObserverId, paused: bool) -> Result<Reply> {
        let (index, key) = self.observer_key(id)?;
        self.router_mut(index)?.observers.set_paused(now, key, paused);
        Ok(Reply::Done)
    }

    /// Lets the router act on what changed for a consumer.
    fn activate_consumer(&mut self, id: ConsumerId) -> Result<Reply> {
        let (router, _) = self.consumer_key(id)?;
        self.activate(router);
        Ok(Reply::Done)
    }

    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        id
    }

    pub(super) fn router_index(&self, id: RouterId) -> Result<u32> {
        self.router_ids.get(&id).copied().ok_or(CommandError::RouterNotFound(id))
    }

    pub(super) fn router_mut(&mut self, index: u32) -> Result<&mut Router> {
        self.routers.get_mut(index as usize).ok_or(CommandError::Contained)
    }

    pub(super) fn transport_key(&self, id: TransportId) -> Result<TransportKey> {
        self.transport_ids.get(&id).copied().ok_or(CommandError::TransportNotFound(id))
    }

    pub(super) fn producer_key(&self, id: ProducerId) -> Result<(u32, u32)> {
        self.producer_ids.get(&id).copied().ok_or(CommandError::ProducerNotFound(id))
    }

    pub(super) fn consumer_key(&self, id: ConsumerId) -> Result<(u32, u32)> {
        self.consumer_ids.get(&id).copied().ok_or(CommandError::ConsumerNotFound(id))
    }

    fn observer_key(&self, id: RtpObserverId) -> Result<(u32, u32)> {
        self.observer_ids.get(&id).copied().ok_or(CommandError::RtpObserverNotFound(id))
    }
}
