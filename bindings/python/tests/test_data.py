"""Messages from this process and to it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiortc import (
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)

import plenum
from rtp import first, until


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


class PlainPath(asyncio.DatagramProtocol):
    """UDP in the place of the DTLS transport on which aiortc's SCTP is used to stand."""

    state = "connected"

    def __init__(self, role: str, to: str) -> None:
        address, port = to.rsplit(":", 1)
        self._role, self._to = role, (address, int(port))
        self._receiver: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._socket = transport

    def datagram_received(self, data: bytes, _: object) -> None:
        if self._receiver is not None:
            task = asyncio.create_task(self._receiver._handle_data(data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _register_data_receiver(self, receiver: object) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, _: object) -> None:
        self._receiver = None

    async def _send_data(self, data: bytes) -> None:
        self._socket.sendto(data, self._to)


@pytest.mark.parametrize("comedia", [True, False])
async def test_sctp_beside_rtp_with_another_implementation(
    router: plenum.Router, comedia: bool
) -> None:
    transport = await router.create_plain_transport(
        listen="127.0.0.1:0", comedia=comedia, data_channels=True, max_message_size=100_000
    )
    parameters = transport.sctp_parameters
    assert parameters is not None
    assert (parameters["port"], parameters["maxMessageSize"]) == (5000, 100_000)
    assert (await router.create_plain_transport(listen="127.0.0.1:0")).sctp_parameters is None
    states = router.events(plenum.SctpStateChanged)

    async def state() -> plenum.types.SctpState:
        told = await first(states)
        assert isinstance(told, plenum.SctpStateChanged)
        return told.state

    loop = asyncio.get_running_loop()
    socket, path = await loop.create_datagram_endpoint(
        lambda: PlainPath("client", transport.local_address), local_addr=("127.0.0.1", 0)
    )
    try:
        sctp = RTCSctpTransport(cast(RTCDtlsTransport, path))
        if not comedia:
            # Then both begin, and neither waits for the other.
            host, port = socket.get_extra_info("sockname")
            await transport.connect(address=f"{host}:{port}")
        # The same stream in both directions.
        direct = await router.create_direct_transport()
        news = await direct.produce_data(label="news")
        to_peer = await transport.consume_data(news, negotiated=True)
        assert to_peer.sctp_stream_parameters is not None
        assert to_peer.sctp_stream_parameters["streamId"] == 0
        chat = await transport.produce_data(
            label="chat", sctp_stream_parameters={"streamId": 0, "ordered": True}
        )
        heard = (await direct.consume_data(chat)).messages()
        channel = RTCDataChannel(
            sctp, RTCDataChannelParameters(label="chat", negotiated=True, id=0)
        )
        got: list[str | bytes] = []
        channel.on("message", got.append)
        await sctp.start(RTCSctpCapabilities(maxMessageSize=65_536), parameters["port"])
        while await state() != "connected":
            pass

        async def is_open() -> bool:
            return channel.readyState == "open"

        async def is_all_here() -> bool:
            return len(got) == len(sent)

        await until("the peer's channel", is_open)
        sent: list[str | bytes] = ["grüße", b"\x00\xff", "", "x" * 50_000]
        for data in sent:
            channel.send(data)
            await news.send(data)
        for data in sent:
            message = await first(heard)
            assert isinstance(message, plenum.Message)
            assert message.data == data
        await until("all messages", is_all_here)
        assert got == sent
        with pytest.raises(plenum.InvalidParametersError):
            await transport.consume_data(news)
        await sctp.stop()
        assert await state() == "closed"
    finally:
        socket.close()
