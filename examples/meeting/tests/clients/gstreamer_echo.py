"""GStreamer's webrtcbin before the echo example: sends VP8 and Opus, decodes what comes back.

    /usr/bin/python3 gstreamer_echo.py URL SECONDS CERTIFICATE

CERTIFICATE is a PEM file with an ECDSA key and certificate: GStreamer 1.22 makes RSA ones by
itself, which WebRTC peers need not accept (RFC 8827 section 6.5). Prints {"video": frames, "audio": buffers} as soon as enough of both was decoded; fails after
SECONDS. Debian's Python only: the bindings are not on PyPI.
"""

import base64
import hashlib
import json
import re
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENOUGH = {"video": 30, "audio": 100}
CAMERA_AND_MICROPHONE = """
    webrtcbin name=peer bundle-policy=max-bundle latency=100
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1
        ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=2000 target-bitrate=300000
        ! rtpvp8pay picture-id-mode=15-bit
        ! application/x-rtp,media=video,encoding-name=VP8,payload=96,rtcp-fb-nack=true,rtcp-fb-nack-pli=true
        ! peer.
    audiotestsrc is-live=true ! opusenc ! rtpopuspay
        ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! peer.
"""
DECODERS = {"video": "rtpvp8depay ! vp8dec", "audio": "rtpopusdepay ! opusdec"}


class Echo:
    def __init__(self, url, seconds, certificate):
        self.url = url
        self.certificate = certificate
        self.decoded = {"video": 0, "audio": 0}
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(CAMERA_AND_MICROPHONE)
        self.peer = self.pipeline.get_by_name("peer")
        # Promises and replies must outlive their callbacks.
        self.kept = []
        self.offering = False
        self.pipeline.connect("deep-element-added", self.identify)
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("pad-added", self.decode)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        GLib.timeout_add_seconds(seconds, self.loop.quit)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        return self.decoded

    def identify(self, _pipeline, _bin, element):
        if type(element).__name__ == "GstDtlsDec":
            element.set_property("pem", self.certificate)

    def negotiate(self, _peer):
        if not self.offering:
            self.offering = True
            promise = Gst.Promise.new_with_change_func(self.offered)
            self.kept.append(promise)
            self.peer.emit("create-offer", Gst.Structure.new_empty("options"), promise)

    def offered(self, promise, *_):
        promise.wait()
        reply = promise.get_reply()
        self.kept.append(reply)
        self.describe("set-local-description", reply.get_value("offer"))

    def gathered(self, peer, _property):
        if peer.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        offer = peer.get_property("local-description").sdp.as_text()
        # The offer still names the certificate that GStreamer would have made.
        offer = re.sub(r"(?<=a=fingerprint:)\S+ \S+", fingerprint(self.certificate), offer)
        request = urllib.request.Request(f"{self.url}/offer", offer.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = response.read()
        _, message = GstSdp.SDPMessage.new()
        GstSdp.sdp_message_parse_buffer(answer, message)
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        self.describe("set-remote-description", description)

    def describe(self, signal, description):
        promise = Gst.Promise.new()
        self.kept.append(promise)
        self.peer.emit(signal, description, promise)
        promise.interrupt()

    def decode(self, _peer, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps() or pad.query_caps(None)
        kind = caps.get_structure(0).get_string("media")
        description = f"queue ! {DECODERS[kind]} ! fakesink name=sink sync=false signal-handoffs=true async=false"
        branch = Gst.parse_bin_from_description(description, True)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))
        branch.get_by_name("sink").connect("handoff", self.count, kind)

    def count(self, _sink, _buffer, _pad, kind):
        self.decoded[kind] += 1
        if all(self.decoded[kind] >= enough for kind, enough in ENOUGH.items()):
            GLib.idle_add(self.loop.quit)


def fingerprint(pem):
    """The a=fingerprint value of the certificate in `pem` (RFC 8122 section 5)."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = pem[pem.index(begin) + len(begin) : pem.index(end)]
    digest = hashlib.sha256(base64.b64decode(text)).hexdigest().upper()
    return "sha-256 " + ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


if __name__ == "__main__":
    Gst.init(None)
    with open(sys.argv[3]) as pem:
        decoded = Echo(sys.argv[1], int(sys.argv[2]), pem.read()).run()
    print(json.dumps(decoded))
    sys.exit(any(decoded[kind] < enough for kind, enough in ENOUGH.items()))
