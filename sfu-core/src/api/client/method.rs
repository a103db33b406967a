//! Everything that can be called.

use super::calls::{Scope, data, media, observer, router, sfu, transport};
use super::tasks::Work;

/// A method of a noun. Bindings carry the same names: camelCase in JSON and
/// Node.js, snake_case in Rust, Python and C.
#[non_exhaustive]
pub struct Method {
    /// The noun: `Sfu`, `Router`, `WebRtcTransport`…
    pub noun: &'static str,
    /// The method's name, in camelCase.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    pub(super) run: fn(Scope) -> Work,
}

impl Method {
    /// The method that is called `Noun.name`.
    ///
    /// ```
    /// use sfu_core::client::Method;
    /// assert_eq!(Method::find("Consumer.pause").unwrap().noun, "Consumer");
    /// assert!(Method::find("Consumer.produce").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static Self> {
        let (noun, name) = name.split_once('.')?;
        METHODS.iter().find(|method| method.is(noun, name))
    }

    pub(super) fn is(&self, noun: &str, name: &str) -> bool {
        self.noun == noun && self.name == name
    }
}

impl std::fmt::Debug for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.noun, self.name)
    }
}

macro_rules! methods {
    ($($($noun:ident)|+ . $name:ident = $handler:path: $summary:literal;)*) => {
        /// All methods of all nouns. `Sfu.close` is carried out by
        /// [`Client::close`](super::Client::close).
        pub static METHODS: &[Method] = &[
            $($(Method {
                noun: stringify!($noun),
                name: stringify!($name),
                summary: $summary,
                run: |scope| Box::pin($handler(scope)),
            },)+)*
        ];
    };
}

methods! {
    Sfu.createRouter = sfu::create_router: "Makes a router: a room.";
    Sfu.restoreRouter = sfu::restore_router: "Takes up a router where its snapshot left off.";
    Sfu.shards = sfu::shards: "Tells the number of shards.";
    Sfu.shardStats = sfu::shard_stats: "Tells the operational figures of a shard.";
    Sfu.addresses = sfu::addresses: "Tells the addresses that a shard listens on.";
    Sfu.listen = sfu::listen: "Listens on one more address.";
    Sfu.unlisten = sfu::unlisten: "Listens on an added address no longer.";
    Sfu.close = sfu::close: "Ends the Sfu with everything in it.";

    Router.createWebRtcTransport = router::create_webrtc_transport:
        "Makes a transport for a browser or another WebRTC endpoint.";
    Router.createPlainTransport = router::create_plain_transport:
        "Makes a transport for RTP or SRTP over UDP without ICE.";
    Router.createPipeTransport = router::create_pipe_transport:
        "Makes a transport to a router elsewhere.";
    Router.createDirectTransport = router::create_direct_transport:
        "Makes a transport that ends in this process.";
    Router.createActiveSpeakerObserver = router::create_active_speaker_observer:
        "Makes an observer that tells who is the dominant speaker.";
    Router.createAudioLevelObserver = router::create_audio_level_observer:
        "Makes an observer that tells how loud producers are.";
    Router.pipeToRouter = router::pipe_to_router:
        "Makes a producer available in another router of the same Sfu.";
    Router.pipeDataToRouter = router::pipe_data_to_router:
        "Makes a data producer available in another router of the same Sfu.";
    Router.canConsume = router::can_consume:
        "Tells whether a receiver can consume a producer.";
    Router.updateMediaCodecs = router::update_media_codecs:
        "Has the router route other codecs from now on.";
    Router.speakers = router::speakers: "Tells who speaks now, and who spoke before.";
    Router.setSpeakerOptions = router::set_speaker_options:
        "Sets how many speakers are forwarded to the consumers that follow them.";
    Router.acceptOffer = router::accept_offer:
        "Takes in a peer by its SDP offer, and answers.";
    Router.snapshot = router::snapshot: "Gives the router's whole state.";
    Router.dump = router::dump: "Tells what is in the router, by its ids.";
    Router.contents = router::contents:
        "Describes everything in the router, as the calls did that made it.";
    Router.close = router::close: "Closes the router with all in it.";

    WebRtcTransport.connect = transport::connect_webrtc:
        "Tells the transport the peer's DTLS parameters; once.";
    WebRtcTransport.restartIce = transport::restart_ice: "Gives new ICE credentials.";
    WebRtcTransport.enableData = transport::enable_data: "Lets data channels be used.";
    PlainTransport.connect = transport::connect_plain:
        "Tells the transport its peer's address and key; once.";
    PipeTransport.connect = transport::connect_pipe:
        "Tells the transport its peer's address and key; once.";
    DirectTransport.sendRtp = transport::send_rtp:
        "Feeds RTP packets to a producer of the transport.";
    DirectTransport.sendRtcp = transport::send_rtcp:
        "Takes in a compound RTCP packet of whoever stands behind the transport.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . produce =
        transport::produce: "Takes in what the peer sends.";
    WebRtcTransport | PlainTransport | DirectTransport . consume =
        transport::consume: "Sends a producer of the router to the peer.";
    WebRtcTransport | PlainTransport | DirectTransport . consumePipe =
        transport::consume_pipe: "Sends all encodings of a producer to the peer, as they are.";
    PipeTransport.consume = transport::consume_into_pipe:
        "Carries a producer of the router to the other end, with all its encodings.";
    WebRtcTransport | PlainTransport | DirectTransport . consumeSlot =
        transport::consume_slot: "Makes an empty receive slot.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . produceData =
        data::produce_data: "Takes in messages.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . consumeData =
        data::consume_data: "Sends the messages of a data producer to the peer.";
    WebRtcTransport | PlainTransport | DirectTransport . setAvailableOutgoingBitrate =
        transport::set_available_outgoing_bitrate: "Says what the path to the peer carries.";
    WebRtcTransport | PlainTransport . setMaxIncomingBitrate =
        transport::set_max_incoming_bitrate: "Asks the peer to send no more than so much.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . enableTraceEvent =
        transport::enable_trace_event: "Chooses what is traced.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . stats =
        transport::stats: "Tells its figures.";
    WebRtcTransport | PlainTransport | DirectTransport | PipeTransport . close =
        transport::close: "Closes it with its producers and consumers.";

    Producer.pause = media::pause_producer: "Forwards nothing of it until it is resumed.";
    Producer.resume = media::resume_producer: "Forwards again.";
    Producer.setSpeaker = media::set_speaker: "Says whose voice belongs to a video producer.";
    Producer.enableTraceEvent = media::trace_producer: "Chooses what is traced.";
    Producer.stats = media::producer_stats: "Tells its figures.";
    Producer.close = media::close_producer: "Closes it; its consumers become empty slots.";

    Consumer.switch = media::switch: "Points it at another producer of the router, or at none.";
    Consumer.followSpeaker = media::follow_speaker: "Has it follow whoever speaks.";
    Consumer.setPreferredLayers = media::set_preferred_layers:
        "Sets the most that is wanted of a producer with layers.";
    Consumer.setDemand = media::set_demand: "Says how the receiver shows it.";
    Consumer.pause = media::pause_consumer: "Sends nothing until it is resumed.";
    Consumer.resume = media::resume_consumer: "Sends again; video from the next key frame on.";
    Consumer.requestKeyFrame = media::request_key_frame: "Asks the publisher for a key frame.";
    Consumer.enableTraceEvent = media::trace_consumer: "Chooses what is traced.";
    Consumer.stats = media::consumer_stats: "Tells its figures.";
    Consumer.explain = media::explain: "Tells why it gets what it gets.";
    Consumer.close = media::close_consumer: "Closes it.";

    PipeConsumer.pause = media::pause_pipe_consumer: "Sends nothing until it is resumed.";
    PipeConsumer.resume = media::resume_pipe_consumer: "Sends again.";
    PipeConsumer.requestKeyFrame = media::request_pipe_key_frame:
        "Asks the publisher for a key frame of each encoding.";
    PipeConsumer.enableTraceEvent = media::trace_pipe_consumer: "Chooses what is traced.";
    PipeConsumer.stats = media::pipe_consumer_stats: "Tells the figures of each encoding.";
    PipeConsumer.close = media::close_pipe_consumer:
        "Closes it, and with it the producer at the other end.";

    DataProducer.send = data::send: "Sends a message to all who follow it.";
    DataProducer.pause = data::pause_producer: "Forwards nothing of it until it is resumed.";
    DataProducer.resume = data::resume_producer: "Forwards again.";
    DataProducer.stats = data::producer_stats: "Tells its figures.";
    DataProducer.close = data::close_producer: "Closes it with its data consumers.";

    DataConsumer.send = data::send_to: "Sends a message to this receiver alone.";
    DataConsumer.setBufferedAmountLowThreshold = data::set_buffered_amount_low_threshold:
        "Has it told when little waits to be sent.";
    DataConsumer.pause = data::pause_consumer: "Sends nothing until it is resumed.";
    DataConsumer.resume = data::resume_consumer: "Sends again.";
    DataConsumer.stats = data::consumer_stats: "Tells its figures.";
    DataConsumer.close = data::close_consumer: "Closes it, and its channel.";

    ActiveSpeakerObserver | AudioLevelObserver . addProducer = observer::add_producer:
        "Listens to an audio producer of the router.";
    ActiveSpeakerObserver | AudioLevelObserver . removeProducer = observer::remove_producer:
        "Listens to it no more.";
    ActiveSpeakerObserver | AudioLevelObserver . pause = observer::pause:
        "Tells nothing until it is resumed.";
    ActiveSpeakerObserver | AudioLevelObserver . resume = observer::resume: "Tells again.";
    ActiveSpeakerObserver | AudioLevelObserver . close = observer::close: "Closes it.";
}
