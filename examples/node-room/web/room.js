// The room as mediasoup-client sees it: what this page sends, and what it receives of whom.
import { Device } from 'mediasoup-client';
import { Signaling } from './signaling.js';

const SIMULCAST = [
  { scaleResolutionDownBy: 2, maxBitrate: 200_000, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 1, maxBitrate: 800_000, scalabilityMode: 'L1T3' },
];

export class Room extends EventTarget {
  consumers = new Map();
  producers = {};
  #signaling;
  #device;
  #send;
  #receive;
  #people = new Map();
  #chat;
  /** Events are dealt with one after the other, as one may be about what the one before has made. */
  #turn = Promise.resolve();

  static async join({ name, room }) {
    const joined = new Room();
    joined.#signaling = await Signaling.connect((event, data) => {
      joined.#turn = joined.#turn.then(() => joined.#heard(event, data)).catch((error) => joined.#tell('problem', error.message));
    });
    await joined.#join({ name, room });
    return joined;
  }

  get people() {
    return [...this.#people.values()];
  }

  request(method, data) {
    return this.#signaling.request(method, data);
  }

  /** Sends camera, in two sizes, and microphone. */
  async publish(stream) {
    const [camera] = stream.getVideoTracks();
    const [microphone] = stream.getAudioTracks();
    this.producers.audio = await this.#send.produce({ track: microphone, codecOptions: { opusStereo: false, opusDtx: true } });
    const codecOptions = { videoGoogleStartBitrate: 1_000 };
    this.producers.video = await this.#send.produce({ track: camera, encodings: SIMULCAST, codecOptions });
    this.#chat = await this.#send.produceData({ label: 'chat', ordered: true });
  }

  say(text) {
    this.#chat.send(text);
  }

  /** Sends nothing of a kind until it is resumed. */
  async pause(kind) {
    this.producers[kind].pause();
    await this.request('pauseProducer', { producerId: this.producers[kind].id });
  }

  async resume(kind) {
    await this.request('resumeProducer', { producerId: this.producers[kind].id });
    this.producers[kind].resume();
  }

  /** What the server says of the connection that this page sends by. */
  connection() {
    return this.request('connection', { transportId: this.#send.id });
  }

  /** The largest picture that is wanted of someone: 0 or 1. */
  prefer(consumerId, spatialLayer) {
    return this.request('setPreferredLayers', { consumerId, spatialLayer, temporalLayer: 2 });
  }

  async #join({ name, room }) {
    const { id, people, routerRtpCapabilities } = await this.request('join', { name, room });
    this.id = id;
    for (const person of people) this.#people.set(person.id, person);
    this.#device = await Device.factory();
    await this.#device.load({ routerRtpCapabilities });
    this.#send = await this.#transport('send');
    this.#receive = await this.#transport('recv');
    await this.request('receive', { rtpCapabilities: this.#recvCapabilities() });
  }

  #recvCapabilities() {
    return this.#device.recvRtpCapabilities ?? this.#device.rtpCapabilities;
  }

  async #transport(direction) {
    const parameters = await this.request('createTransport', { direction });
    const transport = direction === 'send' ? this.#device.createSendTransport(parameters) : this.#device.createRecvTransport(parameters);
    const transportId = transport.id;
    const call = (method, then) => (data, resolve, reject) => {
      this.request(method, { transportId, ...data }).then((answer) => resolve(then?.(answer)), reject);
    };
    transport.on('connect', call('connectTransport'));
    transport.on('produce', call('produce', ({ id }) => ({ id })));
    transport.on('producedata', call('produceData', ({ id }) => ({ id })));
    transport.on('connectionstatechange', (state) => this.#tell('connection', { direction, state }));
    return transport;
  }

  async #heard(event, data) {
    switch (event) {
      case 'joined':
        this.#people.set(data.id, data);
        break;
      case 'left':
        this.#people.delete(data.person);
        break;
      case 'consumer':
        await this.#consume(data);
        return;
      case 'dataConsumer': {
        const { person, ...options } = data;
        const dataConsumer = await this.#receive.consumeData(options);
        const from = this.#people.get(person)?.name;
        dataConsumer.on('message', (text) => this.#tell('message', { from, text }));
        return;
      }
      case 'consumerClosed':
        this.consumers.get(data.id)?.consumer.close();
        this.consumers.delete(data.id);
        break;
      case 'consumerPaused':
        this.consumers.get(data.id)?.consumer.pause();
        break;
      case 'consumerResumed':
        this.consumers.get(data.id)?.consumer.resume();
        break;
      case 'consumerLayers': {
        const entry = this.consumers.get(data.id);
        if (entry) entry.layers = data.layers;
        break;
      }
      default:
    }
    this.#tell(event, data);
  }

  async #consume({ person, producerPaused, type, ...options }) {
    const consumer = await this.#receive.consume({ ...options, streamId: person });
    const entry = { consumer, type, person: this.#people.get(person), layers: null };
    this.consumers.set(consumer.id, entry);
    if (producerPaused) consumer.pause();
    this.#tell('consumer', entry);
    await this.request('resumeConsumer', { consumerId: consumer.id });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
