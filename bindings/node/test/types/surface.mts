// Compiles only if the types say what they should; what must not compile is marked.
import {
  type ActiveSpeakerObserver,
  type CloseReason,
  type Consumer,
  type DataProducer,
  type ErrorCode,
  type Layers,
  NotFoundError,
  type RouterEvent,
  Sfu,
  SfuError,
  type Transport,
} from 'plenum-sfu';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_yes: Same<A, B>): void {}

const sfu = await Sfu.create({ listen: ['127.0.0.1:0'], srtpProfiles: ['AEAD_AES_128_GCM'] });
const room = await sfu.createRouter();
const webrtc = await room.createWebRtcTransport({ dataChannels: true });
const direct = await room.createDirectTransport();
const pipe = await room.createPipeTransport({ listen: '127.0.0.1:0' });
const producer = await direct.produce({ kind: 'audio', rtpParameters: { codecs: [] } });
const consumer = await webrtc.consume({ producer, rtpCapabilities: room.rtpCapabilities });

// Events of nouns have typed values.
webrtc.on('state-changed', (event) => same<typeof event.dtls, 'new' | 'connecting' | 'connected' | 'failed' | 'closed'>(true));
webrtc.on('data-channel-opened', (dataProducer, { stream }) => {
  same<typeof dataProducer, DataProducer>(true);
  same<typeof stream, number>(true);
});
webrtc.on('closed', (reason) => same<typeof reason, CloseReason>(true));
consumer.on('rtp', (packets) => same<typeof packets, Buffer[]>(true));
consumer.on('layers-changed', ({ current }) => same<typeof current, Layers | null>(true));
sfu.on('lagged', (count) => same<typeof count, number>(true));
// @ts-expect-error there is no such event
consumer.on('layerschanged', () => {});
// @ts-expect-error a reason is no number
webrtc.on('closed', (reason: number) => reason);

// Events of a room are told apart by their type.
for await (const event of room.events()) {
  switch (event.type) {
    case 'transport-closed':
      same<typeof event.reason, CloseReason>(true);
      break;
    case 'lagged':
      same<typeof event.count, number>(true);
      break;
    case 'message':
      same<typeof event.data, string | Buffer>(true);
      break;
    // @ts-expect-error there is no such type
    case 'transport-opened':
      break;
    default:
      same<typeof event.router, string>(true);
  }
}
const exhaustive = (event: RouterEvent): string => event.type;
exhaustive({ type: 'router-closed', router: '0000000000000001' });

for await (const packets of consumer.packets()) same<typeof packets, Buffer[]>(true);

// Parameters.
// @ts-expect-error a router needs no colour
await sfu.createRouter({ colour: 'red' });
// @ts-expect-error something to follow is missing
await webrtc.consume({ rtpCapabilities: {} });
// @ts-expect-error a pipe takes no capabilities
await pipe.consume({ producer, rtpCapabilities: {} });
// @ts-expect-error only direct transports are fed by us
await webrtc.sendRtp(producer, Buffer.alloc(0));
// @ts-expect-error smell is not a kind of media
await direct.produce({ kind: 'smell', rtpParameters: { codecs: [] } });

// Errors.
try {
  await room.close();
} catch (error) {
  if (error instanceof NotFoundError) same<typeof error.number, number>(true);
  if (error instanceof SfuError) same<typeof error.code, ErrorCode>(true);
}

// Handles.
const transports: Transport[] = room.transports;
for (const transport of transports) if (transport.kind === 'webrtc') same<typeof transport.iceCandidates, typeof webrtc.iceCandidates>(true);
const consumers: Consumer[] = webrtc.consumers;
const observer: ActiveSpeakerObserver = await room.createActiveSpeakerObserver({ scope: 'router' });
observer.on('active-speaker', (id) => same<typeof id, string>(true));
// @ts-expect-error handles come from the SFU alone
new Sfu();
void consumers;
