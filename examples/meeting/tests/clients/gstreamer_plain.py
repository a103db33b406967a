"""GStreamer sends VP8 and Opus over plain RTP and decodes what comes back by another way.

    /usr/bin/python3 gstreamer_plain.py PROGRAM SECONDS

PROGRAM is the example `plain` of sfu-core. As soon as enough was decoded, the receiver asks for a
key frame; the encoder makes none by itself, so that a second one shows that the request went all
the way back. Prints {"video": frames, "audio": buffers, "key_frames": n}; fails after SECONDS.
"""

import json
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gio, GLib, Gst  # noqa: E402

ENOUGH = {"video": 30, "audio": 100}
HOST = "127.0.0.1"
SENDER = """
    rtpbin name=bin rtp-profile=avpf
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1
        ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=9999 target-bitrate=300000
        ! rtpvp8pay pt=96 ssrc=1 picture-id-mode=15-bit ! bin.send_rtp_sink_0
    bin.send_rtp_src_0 ! udpsink name=video_rtp sync=false async=false
    bin.send_rtcp_src_0 ! udpsink name=video_rtcp sync=false async=false
    udpsrc name=video_reports ! bin.recv_rtcp_sink_0
    audiotestsrc is-live=true ! audio/x-raw,channels=2 ! opusenc ! rtpopuspay pt=111 ssrc=2 ! bin.send_rtp_sink_1
    bin.send_rtp_src_1 ! udpsink name=audio_rtp sync=false async=false
    bin.send_rtcp_src_1 ! udpsink name=audio_rtcp sync=false async=false
    udpsrc name=audio_reports ! bin.recv_rtcp_sink_1
"""
RECEIVER = """
    rtpbin name=bin rtp-profile=avpf latency=100
    udpsrc name=video_rtp ! bin.recv_rtp_sink_0
    udpsrc name=video_rtcp ! bin.recv_rtcp_sink_0
    bin.send_rtcp_src_0 ! udpsink name=video_reports sync=false async=false
    udpsrc name=audio_rtp ! bin.recv_rtp_sink_1
    udpsrc name=audio_rtcp ! bin.recv_rtcp_sink_1
    bin.send_rtcp_src_1 ! udpsink name=audio_reports sync=false async=false
"""
CAPS = {
    "video": "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,"
    "rtcp-fb-nack-pli=(boolean)true,payload={}",
    "audio": "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload={}",
}
DECODERS = {"video": "rtpvp8depay name=depay ! vp8dec", "audio": "rtpopusdepay name=depay ! opusdec"}


def port_of(socket):
    return socket.get_local_address().get_port()


def bound(port=0):
    socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM, Gio.SocketProtocol.UDP)
    socket.bind(Gio.InetSocketAddress.new_from_string(HOST, port), False)
    return socket


def pair():
    """Sockets for RTP and, one port above, for RTCP."""
    for _ in range(100):
        rtp = bound()
        try:
            return rtp, bound(port_of(rtp) + 1)
        except GLib.Error:
            rtp.close()
    raise RuntimeError("no two free ports in a row")


def use(element, socket, to=None):
    """Has a udpsrc or a udpsink use a socket that outlives it, in order that several share one."""
    element.set_property("socket", socket)
    element.set_property("close-socket", False)
    if to:
        host, port = to.rsplit(":", 1)
        element.set_property("host", host)
        element.set_property("port", int(port))


class Relayed:
    def __init__(self, program, seconds):
        self.seen = {"video": 0, "audio": 0, "key_frames": 0}
        self.asked = False
        self.loop = GLib.MainLoop()
        GLib.timeout_add_seconds(seconds, self.loop.quit)
        sockets = {kind: pair() for kind in ENOUGH}
        addresses = [f"{HOST}:{port_of(sockets[kind][0])}" for kind in ("video", "audio")]
        self.program = subprocess.Popen([program, *addresses], stdout=subprocess.PIPE, text=True)
        relay = json.loads(self.program.stdout.readline())
        self.receiver = self.receiving(relay, sockets)
        self.sender = self.sending(relay)

    def receiving(self, relay, sockets):
        pipeline = Gst.parse_launch(RECEIVER)
        for kind, (rtp, rtcp) in sockets.items():
            payload_type = relay[kind]["parameters"]["codecs"][0]["payloadType"]
            source = pipeline.get_by_name(f"{kind}_rtp")
            use(source, rtp)
            source.set_property("caps", Gst.Caps.from_string(CAPS[kind].format(payload_type)))
            use(pipeline.get_by_name(f"{kind}_rtcp"), rtcp)
            use(pipeline.get_by_name(f"{kind}_reports"), rtcp, relay[kind]["report_to"])
        pipeline.get_by_name("bin").connect("pad-added", self.decode, pipeline)
        return pipeline

    def sending(self, relay):
        pipeline = Gst.parse_launch(SENDER)
        for kind in ENOUGH:
            rtp = bound()
            # Where there is one port for both, RTCP must come from the address of RTP.
            separate = relay[kind]["rtcp"]
            rtcp = bound() if separate else rtp
            use(pipeline.get_by_name(f"{kind}_rtp"), rtp, relay[kind]["rtp"])
            use(pipeline.get_by_name(f"{kind}_rtcp"), rtcp, separate or relay[kind]["rtp"])
            use(pipeline.get_by_name(f"{kind}_reports"), rtcp)
        return pipeline

    def run(self):
        self.receiver.set_state(Gst.State.PLAYING)
        self.sender.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.sender.set_state(Gst.State.NULL)
        self.receiver.set_state(Gst.State.NULL)
        self.program.kill()
        return self.seen

    def decode(self, _bin, pad, pipeline):
        if not pad.get_name().startswith("recv_rtp_src_"):
            return
        kind = "video" if pad.get_name().startswith("recv_rtp_src_0_") else "audio"
        description = f"queue ! {DECODERS[kind]} ! fakesink name=sink sync=false signal-handoffs=true async=false"
        branch = Gst.parse_bin_from_description(description, True)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))
        sink = branch.get_by_name("sink")
        sink.connect("handoff", self.count, kind)
        if kind == "video":
            depayloaded = branch.get_by_name("depay").get_static_pad("src")
            depayloaded.add_probe(Gst.PadProbeType.BUFFER, self.count_key_frame)

    def count_key_frame(self, _pad, info):
        if not info.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT):
            self.seen["key_frames"] += 1
        return Gst.PadProbeReturn.OK

    def count(self, sink, _buffer, _pad, kind):
        self.seen[kind] += 1
        if any(self.seen[kind] < enough for kind, enough in ENOUGH.items()):
            return
        if kind == "video" and not self.asked:
            self.asked = True
            self.seen["key_frames"] = min(self.seen["key_frames"], 1)
            wanted = Gst.Structure.new_from_string("GstForceKeyUnit, all-headers=(boolean)true")
            sink.get_static_pad("sink").push_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, wanted))
        if self.asked and self.seen["key_frames"] >= 2:
            GLib.idle_add(self.loop.quit)


if __name__ == "__main__":
    Gst.init(None)
    seen = Relayed(sys.argv[1], int(sys.argv[2])).run()
    print(json.dumps(seen))
    sys.exit(seen["key_frames"] < 2 or any(seen[kind] < enough for kind, enough in ENOUGH.items()))
