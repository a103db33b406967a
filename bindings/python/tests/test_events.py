"""Events as dataclasses, and iterators that lose nothing in silence."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

import plenum
from plenum import _events
from plenum._stream import Stream
from rtp import first, opus, packet

# One of each, as the core writes them.
JSON: list[tuple[dict[str, object], plenum.Event]] = [
    ({"type": "router-closed", "router": "1"}, plenum.RouterClosed("1")),
    (
        {
            "type": "transport-state-changed",
            "router": "1",
            "transport": "2",
            "ice": "connected",
            "dtls": "connecting",
        },
        plenum.TransportStateChanged("1", "2", "connected", "connecting"),
    ),
    (
        {
            "type": "transport-tuple-selected",
            "router": "1",
            "transport": "2",
            "tuple": {"protocol": "udp", "local": "10.0.0.1:1", "remote": "[::1]:2"},
        },
        plenum.TransportTupleSelected("1", "2", plenum.Tuple("udp", "10.0.0.1:1", "[::1]:2")),
    ),
    (
        {"type": "consumer-producer-closed", "router": "1", "consumer": "2", "producer": "3"},
        plenum.ConsumerProducerClosed("1", "2", "3"),
    ),
    (
        {
            "type": "producer-demand-changed",
            "router": "1",
            "producer": "2",
            "demand": {"spatialLayer": 2, "temporalLayer": 255},
        },
        plenum.ProducerDemandChanged("1", "2", plenum.Layers(2)),
    ),
    (
        {
            "type": "consumer-layers-changed",
            "router": "1",
            "consumer": "2",
            "current": None,
            "target": {"spatialLayer": 0, "temporalLayer": 1},
            "reason": "bandwidth",
        },
        plenum.ConsumerLayersChanged("1", "2", None, plenum.Layers(0, 1), "bandwidth"),
    ),
    (
        {"type": "speakers-changed", "router": "1", "speakers": ["2", None]},
        plenum.SpeakersChanged("1", ["2", None]),
    ),
    (
        {"type": "active-speaker", "router": "1", "observer": None, "producer": "2"},
        plenum.ActiveSpeaker("1", None, "2"),
    ),
    (
        {
            "type": "audio-levels",
            "router": "1",
            "observer": "2",
            "volumes": [{"producer": "3", "volume": -30}],
        },
        plenum.AudioLevels("1", "2", [plenum.AudioVolume("3", -30)]),
    ),
    (
        {"type": "sctp-state-changed", "router": "1", "transport": "2", "state": "connected"},
        plenum.SctpStateChanged("1", "2", "connected"),
    ),
    (
        {
            "type": "data-channel-opened",
            "router": "1",
            "transport": "2",
            "producer": "3",
            "stream": 4,
            "parameters": {
                "label": "a",
                "protocol": "b",
                "ordered": False,
                "reliability": {"MaxRetransmits": 0},
                "priority": 256,
            },
        },
        plenum.DataChannelOpened(
            "1", "2", "3", 4, plenum.ChannelParameters("a", "b", False, {"MaxRetransmits": 0})
        ),
    ),
    (
        {"type": "data-buffered-amount-low", "router": "1", "consumer": "2"},
        plenum.DataBufferedAmountLow("1", "2"),
    ),
    (
        {
            "type": "producer-video-orientation-changed",
            "router": "1",
            "producer": "2",
            "backCamera": True,
            "flip": False,
            "rotation": 270,
        },
        plenum.ProducerVideoOrientationChanged("1", "2", True, False, 270),
    ),
    (
        {
            "type": "consumer-trace",
            "router": "1",
            "consumer": "2",
            "timestampMs": 3,
            "trace": {"type": "pli", "ssrc": 4},
        },
        plenum.ConsumerTrace("1", "2", 3, {"type": "pli", "ssrc": 4}),
    ),
    ({"type": "lagged", "count": 7}, plenum.Lagged(7)),
]


@pytest.mark.parametrize(("json", "event"), JSON, ids=[str(json["type"]) for json, _ in JSON])
def test_an_event_is_a_dataclass(json: dict[str, object], event: plenum.Event) -> None:
    assert _events.event_of({**json, "later": "unknown fields are no harm"}, None) == event


def test_an_unknown_event_is_no_harm() -> None:
    assert _events.event_of({"type": "of-a-later-version"}, None) is None


async def test_events_are_for_match(sfu: plenum.Sfu, router: plenum.Router) -> None:
    events = sfu.events()
    async with await router.create_direct_transport() as transport:
        pass
    await router.close()
    seen = []
    async for event in events:
        match event:
            case plenum.TransportClosed(transport=id, reason="requested"):
                seen.append(id)
            case plenum.RouterClosed(router=id):
                seen.append(id)
                break
    assert seen == [transport.id, router.id]


async def test_a_routers_events_are_its_own_and_end_with_it(sfu: plenum.Sfu) -> None:
    one, two = await sfu.create_router(), await sfu.create_router()
    events = one.events()
    await (await two.create_direct_transport()).close()
    await two.close()
    await one.close()
    assert [event async for event in events] == [plenum.RouterClosed(one.id)]
    with pytest.raises(plenum.NotFoundError, match="nothing will come"):
        one.events()


async def test_only_the_named_types_come(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    voice = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(voice, rtp_capabilities=router.rtp_capabilities)
    events = router.events(plenum.Rtp, plenum.ConsumerClosed)
    everything = router.events()
    await direct.send_rtp(voice, [packet(1, 1)])
    rtp = await first(events)
    assert isinstance(rtp, plenum.Rtp) and rtp.consumer == consumer.id and len(rtp.packets) == 1
    await direct.close()
    assert isinstance(await first(events), plenum.ConsumerClosed)
    assert not isinstance(await first(everything), plenum.Rtp)


async def test_what_nobody_takes_in_time_is_counted(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    news = await direct.produce_data()
    reader = await direct.consume_data(news)
    small, large = reader.messages(capacity=3), reader.messages()
    for index in range(10):
        await news.send(str(index))
    for index in range(10):
        assert (await first(large)).data == str(index)  # type: ignore[union-attr]
    got = [await first(small) for _ in range(4)]
    assert [m.data for m in got[:3] if isinstance(m, plenum.Message)] == ["0", "1", "2"]
    assert got[3] == plenum.Lagged(7)
    await news.send("after")
    assert (await first(small)).data == "after"  # type: ignore[union-attr]


async def test_packets_that_are_lost_are_counted(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    voice = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(voice, rtp_capabilities=router.rtp_capabilities)
    few, many = consumer.packets(capacity=50), consumer.packets()
    for start in range(0, 200, 20):
        await direct.send_rtp(voice, [packet(1, start + i) for i in range(20)])
    counts, lost = {few: 0, many: 0}, False
    while counts[many] < 200:
        counts[many] += len(await first(many))  # type: ignore[arg-type]
    while counts[few] < 200:
        batch = await first(few)
        if isinstance(batch, plenum.Lagged):
            counts[few] += batch.count
            lost = True
        else:
            counts[few] += len(batch)
    assert counts == {few: 200, many: 200}
    assert lost


async def test_the_core_tells_what_it_lost_itself() -> None:
    async with plenum.Sfu(listen=["127.0.0.1:0"], event_capacity=16) as sfu:
        router = await sfu.create_router()
        direct = await router.create_direct_transport()
        news = await direct.produce_data()
        reader = await direct.consume_data(news)
        messages = reader.messages()
        driver = sfu._driver
        assert driver is not None
        # The loop takes nothing while the messages come: it waits here, in this thread.
        for _ in range(100):
            driver._client.submit("DataProducer.send", int(news.id, 16), {"text": True}, [b"x"])
        time.sleep(0.5)
        got = lost = 0
        while got + lost < 100:
            message = await first(messages)
            if isinstance(message, plenum.Lagged):
                lost += message.count
            else:
                got += 1
        assert got + lost == 100 and lost > 0


async def test_several_iterators_and_one_reader_each(router: plenum.Router) -> None:
    events = router.events()
    reader = asyncio.create_task(first(events))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another task waits"):
        await first(events)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    # A cancelled wait leaves the iterator whole.
    await router.close()
    assert await first(events) == plenum.RouterClosed(router.id)
    with pytest.raises(ValueError, match="capacity"):
        Stream(router._driver, [], 0)


async def test_a_closed_iterator_ends(router: plenum.Router) -> None:
    events = router.events()
    reader = asyncio.create_task(first(events))
    await asyncio.sleep(0)
    events.close()
    with pytest.raises(StopAsyncIteration):
        await reader
    assert not router._driver._topics


async def test_a_task_that_waits_is_not_forgotten(sfu: plenum.Sfu) -> None:
    router = await sfu.create_router()
    seen: list[object] = []

    async def watch() -> None:
        async for event in router.events():
            seen.append(event)

    task_id = id(asyncio.create_task(watch()))
    await asyncio.sleep(0)
    gc.collect()
    await router.close()
    while not seen:
        await asyncio.sleep(0.01)
    assert seen == [plenum.RouterClosed(router.id)] and task_id
