// What runs in the pages of the test of layers. Each function is sent to a page as its text.

/**
 * Sends a picture of one colour, in which a bar moves and noise flickers, in three layers. Gives
 * the offer; the connection is `window.pc`.
 */
export async function publish({ codec, mode, colour, width, height, rate }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const paint = canvas.getContext('2d');
  let at = 0;
  setInterval(() => {
    at += 1;
    paint.fillStyle = colour;
    paint.fillRect(0, 0, width, height);
    // The left half stays plain, for whoever wants to know whose picture it is. The right one gives
    // the encoder something to do, or it would not reach the rates at which it sends all layers.
    paint.fillStyle = '#fff';
    paint.fillRect(width / 2 + ((at * 8) % (width / 2 - 40)), 0, 40, height);
    for (let n = 0; n < 40; n += 1) {
      paint.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      paint.fillRect(width * (0.55 + Math.random() * 0.4), Math.random() * height, 24, 24);
    }
  }, 1000 / rate);
  const [track] = canvas.captureStream(rate).getVideoTracks();
  const layers = mode
    ? [{ scalabilityMode: mode, maxBitrate: 1_500_000 }]
    : ['q', 'h', 'f'].map((rid, layer) => ({
        rid,
        scaleResolutionDownBy: 4 >> layer,
        maxBitrate: [150_000, 400_000, 1_000_000][layer],
      }));
  window.pc = new RTCPeerConnection();
  const transceiver = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: layers });
  const { codecs } = RTCRtpSender.getCapabilities('video');
  const wanted = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec.toLowerCase()}`);
  transceiver.setCodecPreferences([...wanted, ...codecs.filter(({ mimeType }) => mimeType === 'video/rtx')]);
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  for (const extension of extensions) {
    // What says which layers a packet belongs to, whatever the codec.
    if (/dependency-descriptor/.test(extension.uri)) extension.direction = 'sendrecv';
  }
  if (extensions.length) transceiver.setHeaderExtensionsToNegotiate(extensions);
  // On a loaded machine the browser would rather send smaller pictures, and no layer had its size.
  const parameters = transceiver.sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await transceiver.sender.setParameters(parameters);
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}

/**
 * Receives in three slots and writes down each picture that is shown: when, how wide, and which of
 * the two colours it has. Gives the offer. Chromium offers the dependency descriptor only if it is
 * asked to, Firefox does not know it.
 */
export async function watch({ descriptor = true } = {}) {
  window.pc = new RTCPeerConnection();
  window.screens = [0, 1, 2].map(() => {
    const transceiver = pc.addTransceiver('video', { direction: 'recvonly' });
    const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
    for (const extension of extensions) {
      // Spatial layers of AV1 are assembled to one picture by it.
      if (/dependency-descriptor/.test(extension.uri)) extension.direction = descriptor ? 'sendrecv' : 'stopped';
    }
    if (extensions.length) transceiver.setHeaderExtensionsToNegotiate(extensions);
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, width: 480 });
    video.srcObject = new MediaStream([transceiver.receiver.track]);
    document.body.append(video);
    const pixel = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
    const paint = pixel.getContext('2d', { willReadFrequently: true });
    const frames = [];
    const note = (now, { width, height }) => {
      // One pixel that stands for the plain half.
      paint.drawImage(video, width * 0.1, height * 0.1, width * 0.3, height * 0.8, 0, 0, 1, 1);
      const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
      const is = (hot, ...cold) => hot > 150 && cold.every((value) => value < 90);
      const colour = is(red, green, blue) ? 'red' : is(blue, red, green) ? 'blue' : `${red},${green},${blue}`;
      frames.push({ at: now, width, colour });
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    return { frames, receiver: transceiver.receiver };
  });
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}

/** Applies the answer to what `publish` or `watch` offered. */
export async function connect(sdp) {
  await pc.setRemoteDescription({ type: 'answer', sdp });
}

/** The newest picture of a slot, and how many there were. */
export function newest(slot) {
  const { frames } = window.screens[slot];
  return { ...frames.at(-1), count: frames.length, now: performance.now() };
}

/** All pictures of each slot since `from`, and what the browser itself says of them. */
export async function seen(from) {
  const slots = window.screens.map(async ({ frames, receiver }) => {
    const stats = [...(await receiver.getStats()).values()].find(({ type }) => type === 'inbound-rtp') ?? {};
    const { framesReceived, framesDecoded, keyFramesDecoded, framesDropped } = stats;
    return {
      frames: frames.filter(({ at }) => at >= from),
      stats: { framesReceived, framesDecoded, keyFramesDecoded, framesDropped },
    };
  });
  return Promise.all(slots);
}
