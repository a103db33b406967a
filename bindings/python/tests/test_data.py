"""Messages from this process and to it."""

from __future__ import annotations

import pytest

import plenum
from rtp import first


async def test_messages_go_through_a_router(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    news = await direct.produce_data(label="news", protocol="lines")
    assert (news.label, news.protocol, news.sctp_stream_parameters) == ("news", "lines", None)
    reader = await direct.consume_data(news, paused=True)
    assert (reader.label, reader.protocol) == ("news", "lines")
    messages = reader.messages()
    events = router.events(plenum.Message)
    await reader.resume()
    sent: list[str | plenum.types.Buffer] = [
        "grüße",
        b"\x00\xff",
        "",
        b"",
        bytearray(b"array"),
        memoryview(b"v"),
    ]
    for data in sent:
        await news.send(data)
    for data in sent:
        message = await first(messages)
        assert isinstance(message, plenum.Message)
        assert message.data == (data if isinstance(data, str) else bytes(data))
        assert await first(events) == message
    assert (await news.stats())["messagesReceived"] == len(sent)
    assert (await reader.stats())["messagesSent"] == len(sent)


async def test_a_message_to_one_receiver_and_pauses(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    news = await direct.produce_data()
    one, two = await direct.consume_data(news), await direct.consume_data(news.id)
    messages, others = one.messages(), two.messages()
    await one.send("for you alone")
    await news.pause()
    await news.send("unheard")
    await news.resume()
    await two.pause()
    await news.send("for one")
    await two.resume()
    await two.set_buffered_amount_low_threshold(1024)
    await two.set_buffered_amount_low_threshold(None)
    await news.send("for both")
    assert [(await first(messages)).data for _ in range(3)] == [  # type: ignore[union-attr]
        "for you alone",
        "for one",
        "for both",
    ]
    assert (await first(others)).data == "for both"  # type: ignore[union-attr]
    await news.close()
    assert [message async for message in messages] == []
    assert one.closed and news.closed


async def test_too_long_messages_are_refused(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    news = await direct.produce_data()
    with pytest.raises(plenum.InvalidParametersError, match="262"):
        await news.send(b"x" * 300_000)
    with pytest.raises(plenum.InvalidParametersError):
        await direct.consume_data(news, max_retransmits=1, max_packet_life_time=1)


async def test_a_negotiated_channel_has_a_stream(router: plenum.Router) -> None:
    transport = await router.create_webrtc_transport(data_channels=True)
    channel = await transport.produce_data(
        label="cursor", sctp_stream_parameters={"streamId": 3, "maxRetransmits": 0}
    )
    assert channel.sctp_stream_parameters is not None
    assert channel.sctp_stream_parameters["streamId"] == 3
    consumer = await transport.consume_data(channel, negotiated=True, ordered=True)
    parameters = consumer.sctp_stream_parameters
    assert parameters is not None and parameters["streamId"] != 3
