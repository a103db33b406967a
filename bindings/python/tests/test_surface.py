"""The classes have what the core has: each method, each event, each kind of error."""

from __future__ import annotations

import inspect
import pydoc
import re

import plenum
from plenum import _events, _plenum


def python_name(name: str) -> str:
    """``createWebRtcTransport`` as ``create_webrtc_transport``."""
    return re.sub("([A-Z])", r"_\1", name.replace("WebRtc", "Webrtc")).lower()


def test_every_method_of_the_core_is_a_method_of_its_class() -> None:
    assert len(_plenum.METHODS) > 60
    for noun, name, _ in _plenum.METHODS:
        method = getattr(getattr(plenum, noun), python_name(name), None)
        assert inspect.iscoroutinefunction(method), f"{noun}.{python_name(name)}"


def test_every_event_of_the_core_is_a_class() -> None:
    ours = {_events.type_name(cls) for cls in _events.EVENT_CLASSES}
    assert ours == set(_plenum.EVENTS) | {"rtp", "message", "lagged"}
    for cls in _events.EVENT_CLASSES:
        assert getattr(plenum, cls.__name__) is cls


def test_every_kind_of_error_is_a_class_with_its_code() -> None:
    ours = {
        (cls.kind, cls.code)
        for cls in vars(plenum).values()
        if inspect.isclass(cls) and issubclass(cls, plenum.SfuError) and cls is not plenum.SfuError
    }
    assert ours == set(_plenum.ERROR_KINDS)
    assert plenum.NotFoundError("x").code == 2
    assert plenum.NotFoundError("x").kind == "NotFound"
    assert isinstance(plenum.NotFoundError("x"), plenum.SfuError)


def test_help_tells_of_every_class_and_method() -> None:
    for name in plenum.__all__:
        value = getattr(plenum, name)
        if not inspect.isclass(value):
            continue
        assert inspect.getdoc(value), name
        for member, method in inspect.getmembers(value):
            if not member.startswith("_") and inspect.isroutine(method):
                assert inspect.getdoc(method), f"{name}.{member}"
    text = pydoc.plain(pydoc.render_doc(plenum.Consumer))
    assert "Points it at another producer of the router, or at none." in text
    assert "set_preferred_layers" in text


def test_capabilities_are_mediasoups() -> None:
    capabilities = plenum.supported_rtp_capabilities()
    assert {codec["mimeType"].lower() for codec in capabilities["codecs"]} >= {
        "audio/opus",
        "video/vp8",
        "video/h264",
    }
    assert any("ssrc-audio-level" in ext["uri"] for ext in capabilities["headerExtensions"])
