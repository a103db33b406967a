//! Messages between two routers through the asynchronous API, over UDP and
//! SRTP on the loopback interface.
#![cfg(feature = "runtime")]

mod executor;

use executor::block_on;
use sfu_core::{
    DataConsumeOptions, DataProduceOptions, ErrorKind, Event, Events, Message,
    PipeTransportOptions, PlainRemote, RouterOptions, Sfu, SrtpProfile,
};

/// The next so many messages.
async fn messages(events: &mut Events, count: usize) -> Vec<Message> {
    let mut got = Vec::new();
    while got.len() < count {
        if let Event::Message { message, .. } = events.next().await.unwrap() {
            got.push(message);
        }
    }
    got
}

#[test]
fn a_data_producer_is_made_available_in_another_router() {
    let loopback = || "127.0.0.1:0".parse().unwrap();
    let sfu = Sfu::builder().listen(loopback()).shards(2).build().unwrap();
    let other = Sfu::builder().listen(loopback()).build().unwrap();
    block_on(async {
        let here = sfu.create_router(RouterOptions::default()).await.unwrap();
        let there = sfu.create_router(RouterOptions::default()).await.unwrap();
        let source = here.create_direct_transport().await.unwrap();
        let options = DataProduceOptions::new("chat").protocol("lines");
        let chat = source.produce_data(options).await.unwrap();
        let piped = here.pipe_data_to_router(chat.id(), &there).await.unwrap();
        assert_eq!((piped.producer.label(), piped.producer.protocol()), ("chat", "lines"));
        let again = here.pipe_data_to_router(chat.id(), &there).await.unwrap();
        assert_eq!(
            (again.consumer.id(), again.producer.id()),
            (piped.consumer.id(), piped.producer.id())
        );
        let sink = there.create_direct_transport().await.unwrap();
        let mut events = there.events();
        sink.consume_data(DataConsumeOptions::new(piped.producer.id())).await.unwrap();
        let sent: Vec<Message> = (0..20).map(|n| Message::text(format!("line {n}"))).collect();
        for message in &sent {
            chat.send(message.clone()).await.unwrap();
        }
        assert_eq!(messages(&mut events, sent.len()).await, sent);

        // The end of one is the end of the other, and it can be had again.
        piped.producer.close().await.unwrap();
        while piped.consumer.stats().await.is_ok() {
            std::thread::yield_now();
        }
        let anew = here.pipe_data_to_router(chat.id(), &there).await.unwrap();
        assert_ne!(anew.producer.id(), piped.producer.id());
        chat.close().await.unwrap();
        let gone = here.pipe_data_to_router(chat.id(), &there).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        // The other router, on another shard, may hear of the end only after this.
        for round in 0..50 {
            let options = DataProduceOptions::new(format!("chat {round}"));
            let brief = source.produce_data(options).await.unwrap();
            here.pipe_data_to_router(brief.id(), &there).await.unwrap();
            brief.close().await.unwrap();
            let gone = here.pipe_data_to_router(brief.id(), &there).await.unwrap_err();
            assert_eq!(gone.kind(), ErrorKind::NotFound, "round {round}");
        }
        let foreign = other.create_router(RouterOptions::default()).await.unwrap();
        for to in [&here, &foreign] {
            let wrong = here.pipe_data_to_router(chat.id(), to).await.unwrap_err();
            assert_eq!(wrong.kind(), ErrorKind::InvalidParameters);
        }
    });
}

#[test]
fn messages_cross_a_pipe_over_udp() {
    let loopback = || "127.0.0.1:0".parse().unwrap();
    let sfu = Sfu::builder().listen(loopback()).build().unwrap();
    let other = Sfu::builder().listen(loopback()).build().unwrap();
    block_on(async {
        let here = sfu.create_router(RouterOptions::default()).await.unwrap();
        let there = other.create_router(RouterOptions::default()).await.unwrap();
        let options = || PipeTransportOptions::new(loopback()).srtp(SrtpProfile::AeadAes128Gcm);
        let near = here.create_pipe_transport(options()).await.unwrap();
        let far = there.create_pipe_transport(options()).await.unwrap();
        for (end, peer) in [(&near, &far), (&far, &near)] {
            let remote = PlainRemote {
                address: peer.local_addr(),
                rtcp_address: None,
                srtp: peer.srtp_parameters().map(|srtp| srtp.master.clone()),
            };
            end.connect(remote).await.unwrap();
        }
        let source = here.create_direct_transport().await.unwrap();
        let chat = source.produce_data(DataProduceOptions::new("chat")).await.unwrap();
        let mut events = there.events();
        near.consume_data(DataConsumeOptions::new(chat.id())).await.unwrap();
        let producer = loop {
            if let Event::DataChannelOpened { transport, producer, parameters, .. } =
                events.next().await.unwrap()
            {
                assert_eq!((transport, parameters.label.as_str()), (far.id(), "chat"));
                break producer;
            }
        };
        let sink = there.create_direct_transport().await.unwrap();
        sink.consume_data(DataConsumeOptions::new(producer)).await.unwrap();
        let sent = [Message::text("hello"), Message::binary(vec![3; 60_000])];
        for message in &sent {
            chat.send(message.clone()).await.unwrap();
        }
        assert_eq!(messages(&mut events, sent.len()).await, sent);

        // The same with a channel that both ends were told of.
        let options = DataConsumeOptions::new(chat.id()).negotiated();
        let crossing = near.consume_data(options).await.unwrap();
        let stream = crossing.sctp_stream_parameters().unwrap();
        let options = DataProduceOptions::new("chat").stream(stream);
        let second = far.produce_data(options).await.unwrap();
        assert_ne!(second.id(), producer);
        crossing.close().await.unwrap();
        chat.close().await.unwrap();
        loop {
            if let Event::DataProducerClosed { producer: closed, .. } = events.next().await.unwrap()
                && closed == producer
            {
                break;
            }
        }
    });
}
