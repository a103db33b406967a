// Figures of the binding on this machine: RTP packets in and out per second, and how long an event takes.
//   node bench.mjs [SECONDS]
import { Sfu } from 'plenum-sfu';

const seconds = Number(process.argv[2] ?? 5);
const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
const room = await sfu.createRouter();
const [source, sink] = [await room.createDirectTransport(), await room.createDirectTransport()];

function packet(sequence, length) {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(0x8064, 0);
  bytes.writeUInt16BE(sequence & 0xffff, 2);
  bytes.writeUInt32BE((sequence * 960) >>> 0, 4);
  bytes.writeUInt32BE(1111, 8);
  return bytes;
}

/** Packets of 172 bytes, which are 20 ms of Opus at 64 kbit/s, in batches, in and out again. */
async function throughput(batch) {
  const producer = await source.produce({
    kind: 'audio',
    rtpParameters: {
      codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
      encodings: [{ ssrc: 1111 }],
    },
  });
  const consumer = await sink.consume({ producer, rtpCapabilities: room.rtpCapabilities });
  let [sent, came, batches] = [0, 0, 0];
  consumer.on('rtp', (packets) => {
    came += packets.length;
    batches += 1;
  });
  const began = performance.now();
  while (performance.now() - began < seconds * 1_000) {
    await source.sendRtp(producer, Array.from({ length: batch }, () => packet(sent++, 172)));
  }
  const elapsed = (performance.now() - began) / 1_000;
  for (let last = -1; last !== came; ) {
    last = came;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await producer.close();
  await consumer.close();
  const rate = (count) => `${Math.round(count / elapsed).toLocaleString('en')}/s`;
  console.log(`RTP in batches of ${batch}: sent ${rate(sent)}, came back ${rate(came)}, ${(came / batches).toFixed(1)} a batch, ${sent - came} lost`);
}

/** From a message in to the event of it, while the process does nothing else. */
async function latency() {
  const dataProducer = await source.produceData({ label: 'clock' });
  const dataConsumer = await sink.consumeData({ dataProducer });
  const times = [];
  for (let at = 0; at < seconds * 200; at += 1) {
    const told = new Promise((resolve) => dataConsumer.once('message', () => resolve(performance.now())));
    const began = performance.now();
    dataProducer.send('tick');
    times.push((await told) - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  times.sort((a, b) => a - b);
  const quantile = (q) => `${times[Math.floor(times.length * q)].toFixed(2)} ms`;
  console.log(`event latency: median ${quantile(0.5)}, p99 ${quantile(0.99)}, longest ${times.at(-1).toFixed(2)} ms`);
}

for (const batch of [1, 60, 250]) await throughput(batch);
await latency();
await sfu.close();
