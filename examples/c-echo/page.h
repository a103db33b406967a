/* The page of c-echo, as text: a program in one file needs nothing beside it. */
#ifndef PAGE_H
#define PAGE_H

static const char page[] =
  "<!doctype html>\n"
  "<meta charset=\"utf-8\">\n"
  "<title>Plenum echo</title>\n"
  "<style>\n"
  "  body { font: 16px system-ui; margin: 2rem; background: #14171c; color: #e8eaed }\n"
  "  video { width: min(46vw, 640px); aspect-ratio: 16/9; border-radius: 12px; background: #000 }\n"
  "</style>\n"
  "<h1>Echo</h1>\n"
  "<video id=\"own\" autoplay muted playsinline></video>\n"
  "<video id=\"echo\" autoplay playsinline></video>\n"
  "<p id=\"state\">connecting…</p>\n"
  "<script type=\"module\">\n"
  "  const state = (text) => (document.querySelector('#state').textContent = text);\n"
  "  const pc = (window.pc = new RTCPeerConnection());\n"
  "  const echo = (document.querySelector('#echo').srcObject = new MediaStream());\n"
  "  pc.ontrack = ({ track }) => echo.addTrack(track);\n"
  "  pc.onconnectionstatechange = () => state(pc.connectionState);\n"
  "  try {\n"
  "    const own = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });\n"
  "    document.querySelector('#own').srcObject = own;\n"
  "    for (const track of own.getTracks()) pc.addTransceiver(track, { direction: 'sendrecv' });\n"
  "    await pc.setLocalDescription();\n"
  "    const reply = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });\n"
  "    if (!reply.ok) throw new Error(await reply.text());\n"
  "    await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });\n"
  "  } catch (error) {\n"
  "    state(String(error));\n"
  "  }\n"
  "</script>\n";

#endif
