"""RTP through routers, from this process and back, and over UDP."""

from __future__ import annotations

import asyncio
import itertools
import socket

import pytest

import plenum
from rtp import first, opus, packet, payload_of, sequence_of, until, vp8


async def collect(stream: plenum.Stream[list[bytes]], count: int) -> list[bytes]:
    packets: list[bytes] = []
    while len(packets) < count:
        batch = await first(stream)
        assert not isinstance(batch, plenum.Lagged)
        packets += batch
    return packets


async def test_packets_go_through_a_router_in_batches(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1111))
    assert (producer.kind, producer.closed) == ("audio", False)
    consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities, paused=True)
    packets = consumer.packets()
    await consumer.resume()
    sent = [f"packet {i}".encode() for i in range(300)]
    await direct.send_rtp(producer, [packet(1111, i, sent[i]) for i in range(300)])
    got = await collect(packets, 300)
    assert [payload_of(one) for one in got] == sent
    numbers = [sequence_of(one) for one in got]
    assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)] == [1] * 299
    assert consumer.rtp_parameters["encodings"][0]["ssrc"] == int.from_bytes(got[0][8:12], "big")

    stats = await producer.stats()
    assert stats["encodings"][0]["packetsReceived"] == 300
    assert (await consumer.stats())["packetsSent"] == 300
    assert (await direct.stats())["kind"] == "direct"


async def test_shards_tell_their_figures(sfu: plenum.Sfu, router: plenum.Router) -> None:
    assert await sfu.shards() == 1
    assert (await sfu.shard_stats(router.shard))["turns"] > 0
    (address,) = await sfu.addresses()
    assert address.startswith("127.0.0.1:")
    with pytest.raises(plenum.InvalidParametersError, match="shard"):
        await sfu.shard_stats(7)
    more = await sfu.listen("127.0.0.1:0", protocol="udp")
    assert more.startswith("127.0.0.1:") and not more.endswith(":0")
    await sfu.unlisten(more, protocol="udp")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_every_buffer_is_a_packet(router: plenum.Router, kind: type) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
    packets = consumer.packets()
    await direct.send_rtp(producer, (kind(packet(1, i)) for i in range(3)))
    assert len(await collect(packets, 3)) == 3


async def test_pause_resume_and_close(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1), paused=True)
    consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
    assert (await producer.stats())["paused"]
    assert (await consumer.explain())["rule"] == "producer_paused"
    await producer.resume()
    await consumer.pause()
    assert (await consumer.explain())["rule"] == "consumer_paused"
    await consumer.resume()
    closed = (plenum.ConsumerClosed, plenum.ConsumerProducerClosed, plenum.ProducerClosed)
    events = router.events(*closed, plenum.TransportClosed)
    await producer.close()
    assert await first(events) == plenum.ProducerClosed(router.id, producer.id, "requested")
    assert await first(events) == plenum.ConsumerProducerClosed(router.id, consumer.id, producer.id)
    assert producer.closed and not consumer.closed
    await direct.close()
    assert [type(await first(events)) for _ in range(2)] == [
        plenum.ConsumerClosed,
        plenum.TransportClosed,
    ]
    assert consumer.closed and direct.closed


async def test_a_slot_goes_from_one_producer_to_another(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    one = await direct.produce(kind="audio", rtp_parameters=opus(1))
    two = await direct.produce(kind="audio", rtp_parameters=opus(2))
    slot = await direct.consume_slot(
        kind="audio", rtp_capabilities=router.rtp_capabilities, mid="7", msid="stream track"
    )
    assert slot.rtp_parameters["mid"] == "7"
    packets = slot.packets()
    await slot.switch(one)
    await direct.send_rtp(one, [packet(1, 10, b"one")])
    await collect(packets, 1)
    await slot.switch(two.id)
    await direct.send_rtp(one, [packet(1, 11, b"unheard")])
    # The first packets say that the source is alive.
    await direct.send_rtp(two, [packet(2, 5000 + i, b"two") for i in range(50)])
    assert payload_of((await collect(packets, 1))[0]) == b"two"
    await slot.switch(None)
    assert (await slot.stats())["producer"] is None
    await slot.follow_speaker(rank=0, except_=one)
    assert (await slot.explain())["speaker"] == {"rank": 0, "except": one.id}


async def test_layers_and_demand(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    camera = await direct.produce(kind="video", rtp_parameters=vp8(1, 2, 3))
    voice = await direct.produce(kind="audio", rtp_parameters=opus(9))
    await camera.set_speaker(voice)
    await camera.set_speaker(None)
    consumer = await direct.consume(
        camera,
        rtp_capabilities=router.rtp_capabilities,
        preferred_layers=plenum.Layers(spatial_layer=1),
    )
    assert (await consumer.explain())["preferred"] == {"spatialLayer": 1, "temporalLayer": 255}
    await consumer.set_preferred_layers(spatial_layer=0, temporal_layer=1)
    assert (await consumer.explain())["preferred"] == {"spatialLayer": 0, "temporalLayer": 1}
    events = router.events(plenum.ConsumerLayersChanged)
    await consumer.set_demand(width=0, height=0)
    event = await first(events)
    assert isinstance(event, plenum.ConsumerLayersChanged)
    assert (event.consumer, event.reason, event.target) == (consumer.id, "not_shown", None)
    await consumer.set_demand(width=640, height=360, priority=3, pinned=True, screen=False)
    demand = (await consumer.explain())["demand"]
    assert demand is not None and demand["pinned"]
    await direct.set_available_outgoing_bitrate(500_000)
    assert (await direct.stats())["availableOutgoingBitrate"] == 500_000
    await direct.set_available_outgoing_bitrate(None)
    assert (await direct.stats())["availableOutgoingBitrate"] is None
    await consumer.request_key_frame()


async def test_what_a_receiver_cannot_take_is_incompatible(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    camera = await direct.produce(kind="video", rtp_parameters=vp8(1))
    audio_only: plenum.types.RtpCapabilities = {
        "codecs": [c for c in router.rtp_capabilities["codecs"] if c["kind"] == "audio"],
        "headerExtensions": [],
    }
    assert await router.can_consume(camera, rtp_capabilities=router.rtp_capabilities)
    assert not await router.can_consume(camera, rtp_capabilities=audio_only)
    with pytest.raises(plenum.IncompatibleError) as refused:
        await direct.consume(camera, rtp_capabilities=audio_only)
    assert (refused.value.code, refused.value.kind) == (4, "Incompatible")


async def test_all_encodings_come_as_they_are(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    camera = await direct.produce(kind="video", rtp_parameters=vp8(1, 2))
    consumer = await direct.consume_pipe(
        camera, rtp_capabilities=router.rtp_capabilities, paused=True
    )
    assert isinstance(consumer, plenum.PipeConsumer)
    ssrcs = [encoding["ssrc"] for encoding in consumer.rtp_parameters["encodings"]]
    assert (len(set(ssrcs)), len(consumer.ids), consumer.id) == (2, 2, consumer.ids[0])
    packets = consumer.packets()
    await consumer.resume()
    key_frame = bytes.fromhex("101000009d012a10001000")

    def picture(ssrc: int, number: int) -> bytes:
        payload = key_frame + bytes([ssrc])
        return packet(ssrc, number, payload, payload_type=96)

    await direct.send_rtp(camera, [picture(ssrc, number) for number in (1, 2) for ssrc in (1, 2)])
    got = [(int.from_bytes(one[8:12], "big"), one[-1]) for one in await collect(packets, 4)]
    assert sorted(got) == sorted([(ssrcs[0], 1), (ssrcs[1], 2)] * 2)
    assert [stats["packetsSent"] for stats in await consumer.stats()] == [2, 2]
    await consumer.request_key_frame()
    await camera.close()
    with pytest.raises(plenum.NotFoundError):
        await consumer.stats()


async def test_a_router_takes_other_codecs(sfu: plenum.Sfu) -> None:
    all_codecs = (await sfu.create_router()).rtp_capabilities["codecs"]

    def codec(name: str) -> plenum.types.RtpCodecCapability:
        found = next(codec for codec in all_codecs if codec["mimeType"] == name).copy()
        found.pop("preferredPayloadType", None)
        return found

    opus_, vp8_, h264 = (codec(name) for name in ("audio/opus", "video/VP8", "video/H264"))
    router = await sfu.create_router(codecs=[opus_, vp8_])
    before = router.rtp_capabilities
    direct = await router.create_direct_transport()
    camera = await direct.produce(kind="video", rtp_parameters=vp8(1))
    after = await router.update_media_codecs([h264, opus_])
    assert router.rtp_capabilities == after
    names = [codec["mimeType"] for codec in after["codecs"]]
    assert names == ["video/H264", "video/rtx", "audio/opus"]
    assert after["codecs"][2] == before["codecs"][0]
    with pytest.raises(plenum.InvalidParametersError, match="VP8"):
        await direct.produce(kind="video", rtp_parameters=vp8(2))
    await direct.consume(camera, rtp_capabilities=before)
    with pytest.raises(plenum.InvalidParametersError):
        await router.update_media_codecs([{**opus_, "mimeType": "audio/chicken"}])
    assert router.rtp_capabilities == after
    attached = plenum.Router.attach(sfu, router.id)
    assert await attached.update_media_codecs([opus_, vp8_]) == before


async def test_observers_tell_who_speaks_and_how_loud(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    voice = await direct.produce(kind="audio", rtp_parameters=opus(1))
    levels = await router.create_audio_level_observer(max_entries=3, threshold=-60, interval_ms=200)
    speaker = await router.create_active_speaker_observer(interval_ms=200, scope="router")
    await levels.add_producer(voice)
    loud = router.events(plenum.AudioLevels, plenum.Silence)
    active = router.events(plenum.ActiveSpeaker)

    async def speak() -> None:
        for i in range(1000):
            await direct.send_rtp(voice, [packet(1, i, level=20)])
            await asyncio.sleep(0.02)

    speaking = asyncio.create_task(speak())
    event = await first(loud)
    assert isinstance(event, plenum.AudioLevels)
    assert event.observer == levels.id
    assert event.volumes[0].producer == voice.id and -40 <= event.volumes[0].volume <= -10
    one = await first(active)
    assert isinstance(one, plenum.ActiveSpeaker) and one.producer == voice.id
    assert (await router.speakers())["recent"] == [voice.id]
    await router.set_speaker_options(places=2, hold_ms=500)
    assert len((await router.speakers())["places"]) == 2
    speaking.cancel()
    while not isinstance(event, plenum.Silence):
        event = await first(loud)
    for observer in (levels, speaker):
        await observer.pause()
        await observer.resume()
    await levels.remove_producer(voice)
    await levels.close()
    assert (await router.dump())["observers"] == [{"id": speaker.id, "kind": "active-speaker"}]


async def test_packets_are_traced_and_rtcp_goes_both_ways(router: plenum.Router) -> None:
    transport = await router.create_direct_transport()
    voice = await transport.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await transport.consume(voice, rtp_capabilities=router.rtp_capabilities)
    await voice.enable_trace_event(["rtp"])
    await consumer.enable_trace_event(["rtp", "pli"])
    with pytest.raises(plenum.InvalidParametersError, match="types"):
        await consumer.enable_trace_event(["sr"])
    came, went = router.events(plenum.ProducerTrace), router.events(plenum.ConsumerTrace)
    reports = router.events(plenum.Rtcp)
    await transport.send_rtp(voice, [packet(1, 7, b"traced")])
    event = await first(came)
    assert isinstance(event, plenum.ProducerTrace) and event.producer == voice.id
    assert event.trace["type"] == "rtp" and event.trace["sequenceNumber"] == 7
    assert event.trace["payloadSize"] == 6
    sent = await first(went)
    assert isinstance(sent, plenum.ConsumerTrace) and sent.trace["type"] == "rtp"
    ssrc = consumer.rtp_parameters["encodings"][0]["ssrc"]
    pli = bytes([0x81, 206, 0, 2, 0, 0, 0, 1]) + ssrc.to_bytes(4, "big")
    await transport.send_rtcp(pli)
    sent = await first(went)
    assert isinstance(sent, plenum.ConsumerTrace)
    assert sent.trace == {"type": "pli", "ssrc": ssrc}
    assert (await consumer.stats())["pliCount"] == 1
    report = await first(reports)
    assert isinstance(report, plenum.Rtcp) and report.transport == transport.id
    assert report.packet[1] in (200, 201)


async def test_a_peer_is_told_how_much_it_may_send(router: plenum.Router) -> None:
    transport = await router.create_plain_transport(listen="127.0.0.1:0")
    await transport.set_max_incoming_bitrate(500_000)
    assert (await transport.stats())["maxIncomingBitrate"] == 500_000
    await transport.set_max_incoming_bitrate(None)
    assert (await transport.stats())["maxIncomingBitrate"] is None
    await transport.enable_trace_event(["bwe"])
    await transport.enable_trace_event()


async def test_a_data_producer_is_piped_to_another_router(sfu: plenum.Sfu) -> None:
    near, far = await sfu.create_router(), await sfu.create_router()
    source, sink = await near.create_direct_transport(), await far.create_direct_transport()
    chat = await source.produce_data(label="chat")
    piped = await near.pipe_data_to_router(chat, far)
    assert (await near.pipe_data_to_router(chat.id, far.id))[0].id == piped.data_consumer.id
    assert piped.data_producer.label == "chat"
    consumer = await sink.consume_data(piped.data_producer)
    messages = consumer.messages()
    await chat.send("far")
    message = await first(messages)
    assert isinstance(message, plenum.Message) and message.data == "far"
    closed = far.events(plenum.DataProducerClosed)
    await chat.close()
    event = await first(closed)
    assert event == plenum.DataProducerClosed(far.id, piped.data_producer.id, "origin-closed")


async def test_a_producer_is_piped_to_another_router(sfu: plenum.Sfu) -> None:
    near, far = await sfu.create_router(), await sfu.create_router()
    source, sink = await near.create_direct_transport(), await far.create_direct_transport()
    voice = await source.produce(kind="audio", rtp_parameters=opus(1))
    piped = await near.pipe_to_router(voice, far)
    consumer = await sink.consume(piped.producer, rtp_capabilities=far.rtp_capabilities)
    packets = consumer.packets()
    sequence = 0

    async def arrived() -> bool:
        nonlocal sequence
        sequence += 1
        await source.send_rtp(voice, [packet(1, sequence, b"far")])
        return packets._size > 0

    await until("a packet arrives in the other router", arrived)
    assert payload_of((await collect(packets, 1))[0]) == b"far"
    assert len(await piped.pipe_consumer.stats()) == len(piped.pipe_consumer.ids) == 1
    await piped.pipe_consumer.pause()
    await piped.pipe_consumer.resume()
    closed = far.events(plenum.ProducerClosed)
    await voice.close()
    assert await first(closed) == plenum.ProducerClosed(far.id, piped.producer.id, "origin-closed")


async def test_pipe_transports_join_two_sfus() -> None:
    async with (
        plenum.Sfu(listen=["127.0.0.1:0"]) as here,
        plenum.Sfu(listen=["127.0.0.1:0"]) as there,
    ):
        near, far = await here.create_router(), await there.create_router()
        profile: plenum.types.SrtpProfile = "AEAD_AES_128_GCM"
        out = await near.create_pipe_transport(listen="127.0.0.1:0", srtp_profile=profile)
        into = await far.create_pipe_transport(listen="127.0.0.1:0", srtp_profile=profile)
        assert into.srtp_parameters and out.srtp_parameters
        await out.connect(address=into.local_address, srtp_parameters=into.srtp_parameters)
        await into.connect(address=out.local_address, srtp_parameters=out.srtp_parameters)
        source, sink = await near.create_direct_transport(), await far.create_direct_transport()
        voice = await source.produce(kind="audio", rtp_parameters=opus(1))
        pipe = await out.consume(voice)
        copy = await into.produce(kind=pipe.kind, rtp_parameters=pipe.rtp_parameters)
        consumer = await sink.consume(copy, rtp_capabilities=far.rtp_capabilities)
        packets = consumer.packets()
        sequence = 0

        async def arrived() -> bool:
            nonlocal sequence
            sequence += 1
            await source.send_rtp(voice, [packet(1, sequence, b"over the wire")])
            return packets._size > 0

        await until("a packet arrives in the other Sfu", arrived)
        assert payload_of((await collect(packets, 1))[0]) == b"over the wire"
        assert (await into.stats())["packetsReceived"] > 0


async def test_plain_rtp_comes_over_udp(router: plenum.Router) -> None:
    transport = await router.create_plain_transport(listen="127.0.0.1:0", comedia=True)
    assert transport.local_rtcp_address is None and transport.srtp_parameters is None
    voice = await transport.produce(kind="audio", rtp_parameters=opus(77))
    direct = await router.create_direct_transport()
    consumer = await direct.consume(voice, rtp_capabilities=router.rtp_capabilities)
    packets = consumer.packets()
    host, port = transport.local_address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.sendto(packet(77, 1, b"by udp"), (host, int(port)))
        assert payload_of((await collect(packets, 1))[0]) == b"by udp"
        assert (await transport.stats())["tuple"] == {
            "protocol": "udp",
            "local": transport.local_address,
            "remote": "%s:%d" % peer.getsockname(),
        }
    with pytest.raises(plenum.IoError):
        await router.create_plain_transport(listen=transport.local_address)


async def test_webrtc_parameters_are_mediasoups(router: plenum.Router) -> None:
    transport = await router.create_webrtc_transport(tcp=False, data_channels=True)
    told = transport.parameters
    assert told["id"] == transport.id and told["iceParameters"]["iceLite"]
    assert {candidate["protocol"] for candidate in told["iceCandidates"]} == {"udp"}
    assert told["sctpParameters"]["port"] == 5000
    fresh = await transport.restart_ice()
    assert fresh["usernameFragment"] != told["iceParameters"]["usernameFragment"]
    digest = ":".join(["AB"] * 32)
    fingerprint: plenum.types.DtlsFingerprint = {"algorithm": "sha-256", "value": digest}
    await transport.connect(dtls_parameters={"role": "client", "fingerprints": [fingerprint]})
    with pytest.raises(plenum.InvalidParametersError):
        await transport.connect(dtls_parameters={"fingerprints": [fingerprint]})
    later = await router.create_webrtc_transport()
    await later.enable_data(max_message_size=65536)
    assert (await later.stats())["iceState"] == "new"


async def test_a_router_goes_on_from_its_snapshot(sfu: plenum.Sfu, router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    voice = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(voice, rtp_capabilities=router.rtp_capabilities)
    packets = consumer.packets()
    await direct.send_rtp(voice, [packet(1, 1)])
    last = sequence_of((await collect(packets, 1))[0])
    snapshot = await router.snapshot()
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as successor:
        again = await successor.restore_router(snapshot)
        assert again.id == router.id
        dump = await again.dump()
        (one,) = dump["transports"]
        assert (one["kind"], one["producers"], one["consumers"]) == (
            "direct",
            [voice.id],
            [consumer.id],
        )
        contents = await again.contents()
        (transport,) = contents.transports
        assert isinstance(transport, plenum.DirectTransport)
        assert [it.rtp_parameters for it in contents.producers] == [voice.rtp_parameters]
        assert [it.rtp_parameters for it in contents.consumers] == [consumer.rtp_parameters]
        assert contents.observers == []
        assert contents.pipe_consumers == []
        assert contents.data_producers == []
        attached = plenum.DirectTransport.attach(successor, one["id"])
        assert attached is transport
        listener = plenum.Consumer.attach(again, one["consumers"][0])
        packets = listener.packets()
        await transport.send_rtp(one["producers"][0], [packet(1, 2)])
        assert sequence_of((await collect(packets, 1))[0]) == last + 1
    with pytest.raises(plenum.InvalidParametersError):
        await sfu.restore_router(b"not a snapshot")
