// Codecs, parameters and packets for the tests.
import { once } from 'node:events';
import * as mediasoup from '../../dist/mediasoup/index.mjs';

export const MEDIA_CODECS = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: { 'x-google-start-bitrate': 1_500 } },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '4d0032', 'level-asymmetry-allowed': 1 },
  },
];

const LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

/** What someone sends who speaks with this SSRC. */
export const opus = (ssrc, more = {}) => ({
  codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1 } }],
  headerExtensions: [{ uri: LEVEL, id: 10 }],
  encodings: [{ ssrc }],
  rtcp: { cname: 'speaker' },
  ...more,
});

/** A camera in so many sizes, with SSRCs from this one on. */
export const vp8 = (ssrc, sizes = 1) => ({
  codecs: [
    {
      mimeType: 'video/VP8',
      payloadType: 101,
      clockRate: 90_000,
      rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    },
    { mimeType: 'video/rtx', payloadType: 102, clockRate: 90_000, parameters: { apt: 101 } },
  ],
  encodings: Array.from({ length: sizes }, (_, at) => ({ ssrc: ssrc + at, rtx: { ssrc: ssrc + 100 + at } })),
  rtcp: { cname: 'camera' },
});

/** An RTP packet. */
export function rtp({ payloadType, ssrc, seq, timestamp, marker = false, payload, level }) {
  const header = Buffer.alloc(12);
  header.writeUInt8(level === undefined ? 0x80 : 0x90, 0);
  header.writeUInt8((marker ? 0x80 : 0) | payloadType, 1);
  header.writeUInt16BE(seq & 0xffff, 2);
  header.writeUInt32BE(timestamp >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  // One one-byte element (RFC 8285): id 10, audio level in -dBov, and two bytes of padding.
  const extension = level === undefined ? [] : [Buffer.from([0xbe, 0xde, 0, 1, 10 << 4, 0x80 | level, 0, 0])];
  return Buffer.concat([header, ...extension, payload]);
}

/** A key frame of VP8 of this size, in one packet: descriptor, frame tag, start code, dimensions (RFC 7741, RFC 6386). */
export function vp8KeyFrame({ ssrc, seq, width, height }) {
  const head = Buffer.from([0x10, 0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8]);
  const payload = Buffer.concat([head, Buffer.alloc(200, 7)]);
  return rtp({ payloadType: 101, ssrc, seq, timestamp: seq * 3_000, marker: true, payload });
}

/** Sends packets that `packet(n)` makes, one each `everyMs`, until it is stopped. */
export function stream(producer, packet, everyMs = 20) {
  let n = 0;
  const timer = setInterval(() => producer.send(packet(n++)), everyMs);
  return () => clearInterval(timer);
}

/** A voice of this level, in -dBov. */
export const voice = (ssrc, level = 30) => (n) =>
  rtp({ payloadType: 111, ssrc, seq: n, timestamp: n * 960, payload: Buffer.alloc(60, n), level });

/** The arguments of an event that has to come within 10 s. */
export const next = (emitter, name) => once(emitter, name, { signal: AbortSignal.timeout(10_000) });

/** Waits until `check` gives something truthy, for 10 s at most. */
export async function eventually(what, check) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const result = await check();
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within 10 s: ${what}`);
}

/** Names of the events of `emitter`, in order, from now on. */
export function record(emitter, names) {
  const heard = [];
  for (const name of names) emitter.on(name, () => heard.push(name));
  return heard;
}

/** A worker with a router, closed when the test ends. */
export async function openRouter(t, settings = {}) {
  const worker = await mediasoup.createWorker(settings);
  t.after(() => worker.close());
  return { worker, router: await worker.createRouter({ mediaCodecs: MEDIA_CODECS }) };
}

export const LOCAL = { listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] };
export { mediasoup };
