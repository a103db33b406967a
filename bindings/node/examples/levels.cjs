// Who is how loud: two producers of generated RTP, and an observer that tells their levels. CommonJS.
//   node levels.cjs
const { Sfu } = require('plenum-sfu');

const LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

/**
 * An RTP packet (RFC 3550) whose header extension says how loud it is (RFC 6464): 0 is loudest, 127 silence.
 * @param {number} ssrc
 * @param {number} sequence
 * @param {number} level
 */
function packet(ssrc, sequence, level) {
  const bytes = Buffer.alloc(12 + 8 + 40);
  bytes.writeUInt16BE(0x9064, 0);
  bytes.writeUInt16BE(sequence & 0xffff, 2);
  bytes.writeUInt32BE(sequence * 960, 4);
  bytes.writeUInt32BE(ssrc, 8);
  bytes.writeUInt32BE(0xbede0001, 12);
  bytes.writeUInt8(0x10, 16);
  bytes.writeUInt8(level, 17);
  return bytes;
}

/** @param {number} ssrc */
const rtpParameters = (ssrc) => ({
  codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
  headerExtensions: [{ uri: LEVEL, id: 1 }],
  encodings: [{ ssrc }],
});

async function main() {
  const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
  const room = await sfu.createRouter();
  const microphones = await room.createDirectTransport();
  const loud = await microphones.produce({ kind: 'audio', rtpParameters: rtpParameters(1111) });
  const quiet = await microphones.produce({ kind: 'audio', rtpParameters: rtpParameters(2222) });
  const observer = await room.createAudioLevelObserver({ intervalMs: 200, threshold: -80, maxEntries: 2, scope: 'router' });
  const told = new Promise((resolve) => observer.once('audio-levels', resolve));
  let sequence = 0;
  const talk = setInterval(() => {
    sequence += 1;
    Promise.all([
      microphones.sendRtp(loud, packet(1111, sequence, 10)),
      microphones.sendRtp(quiet, packet(2222, sequence, 50)),
    ]).catch(console.error);
  }, 20);
  for (const { producer, volume } of await told) console.log(producer === loud.id ? 'loud' : 'quiet', volume);
  clearInterval(talk);
  await sfu.close();
}

main();
