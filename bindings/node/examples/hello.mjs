// A browser's camera, microphone and data channels, sent back to it by the SFU.
//   node hello.mjs [MEDIA_ADDRESS] [HTTP_PORT], then open http://localhost:8090
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Sfu } from 'plenum-sfu';

const [media = '0.0.0.0:40100', port = '8090'] = process.argv.slice(2);
const sfu = await Sfu.create({ listen: [media] });
const room = await sfu.createRouter();

/** @param {string} offer */
async function echo(offer) {
  const peer = await room.acceptOffer(offer);
  for (const { consumer } of peer.slots) {
    const own = peer.producers.find(({ producer }) => producer.kind === consumer.kind);
    await consumer.switch(own?.producer ?? null);
  }
  peer.transport.on('data-channel-opened', (dataProducer, { stream }) => {
    peer.transport.consumeData({ dataProducer, answerOn: stream }).catch(console.error);
  });
  return peer.answer;
}

const page = readFileSync(new URL('hello.html', import.meta.url));
createServer(async (request, response) => {
  if (request.method !== 'POST') return response.setHeader('content-type', 'text/html').end(page);
  await echo(await text(request)).then((answer) => response.end(answer), (error) => response.writeHead(400).end(error.message));
}).listen(Number(port), '127.0.0.1', () => console.log(`open http://localhost:${port}`));
