// What several tests need: an SFU, RTP packets, and patience.
import { Sfu } from 'plenum-sfu';

/** An SFU on a free port, closed when the test `t` ends. */
export async function sfuFor(t, options = {}) {
  const sfu = await Sfu.create({ listen: ['127.0.0.1:0'], ...options });
  t.after(() => sfu.close());
  return sfu;
}

/** RTP of an audio producer with this SSRC. */
export function opus(ssrc) {
  return {
    codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
    encodings: [{ ssrc }],
  };
}

/** One packet of it. */
export function rtp(ssrc, sequence, payload = Buffer.from(`${sequence}`)) {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x8064, 0);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE((sequence * 960) >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, payload]);
}

/** A room with something that goes in by RTP, and the same coming out. */
export async function loop(sfu, options = {}) {
  const room = await sfu.createRouter(options);
  const source = await room.createDirectTransport();
  const producer = await source.produce({ kind: 'audio', rtpParameters: opus(1111) });
  const sink = await room.createDirectTransport();
  const consumer = await sink.consume({ producer, rtpCapabilities: room.rtpCapabilities });
  return { room, source, producer, sink, consumer };
}

/** Waits until `check` gives something true, and gives it. */
export async function eventually(what, check) {
  const until = Date.now() + 60_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > until) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits for an event, for a minute at most. */
export function once(emitter, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within a minute: '${name}'`)), 60_000);
    emitter.once(name, (...values) => {
      clearTimeout(timer);
      resolve(values);
    });
  });
}
