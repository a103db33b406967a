// One person: a WebSocket, two transports, and what is on them.
import { randomUUID } from 'node:crypto';

export class Person {
  id = randomUUID();
  #socket;
  #rooms;
  #room;
  #capabilities;
  #transports = new Map();
  #producers = new Map();
  #dataProducers = new Map();
  #consumers = new Map();

  constructor(socket, rooms) {
    this.#socket = socket;
    this.#rooms = rooms;
    socket.on('message', (text) => this.#answer(String(text)));
    socket.on('close', () => this.#leave());
    socket.on('error', () => socket.terminate());
  }

  tell(event, data) {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify({ event, data }));
  }

  async #answer(text) {
    let id;
    try {
      const request = JSON.parse(text);
      id = request.id;
      const { method, data: parameters = {} } = request;
      if (!METHODS.has(method)) throw new Error(`there is no method ${method}`);
      if (method !== 'join' && !this.#room) throw new Error('join a room first');
      const data = (await this[method](parameters)) ?? {};
      this.#socket.send(JSON.stringify({ id, data }));
    } catch (error) {
      this.#socket.send(JSON.stringify({ id, error: error.message }));
    }
  }

  async join({ room, name }) {
    if (this.#room) throw new Error('you are in a room already');
    this.name = String(name).slice(0, 40);
    this.#room = await this.#rooms.enter(String(room).slice(0, 40));
    const people = this.#room.others(this).map((other) => ({ id: other.id, name: other.name }));
    this.#room.people.set(this.id, this);
    for (const other of this.#room.others(this)) other.tell('joined', { id: this.id, name: this.name });
    return { id: this.id, people, routerRtpCapabilities: this.#room.router.rtpCapabilities };
  }

  async createTransport({ direction }) {
    const transport = await this.#room.createTransport({ direction });
    this.#transports.set(transport.id, transport);
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed' || state === 'closed') transport.close();
    });
    transport.observer.on('close', () => this.#transports.delete(transport.id));
    const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = transport;
    return { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters };
  }

  connectTransport({ transportId, dtlsParameters }) {
    return this.#of(this.#transports, transportId).connect({ dtlsParameters });
  }

  async restartIce({ transportId }) {
    return { iceParameters: await this.#of(this.#transports, transportId).restartIce() };
  }

  /** The page is ready to receive: what is there already comes at once. */
  async receive({ rtpCapabilities }) {
    this.#capabilities = rtpCapabilities;
    for (const other of this.#room.others(this)) {
      for (const producer of other.#producers.values()) await this.#consume(producer);
      for (const dataProducer of other.#dataProducers.values()) await this.#consumeData(dataProducer);
    }
  }

  async produce({ transportId, kind, rtpParameters }) {
    const transport = this.#of(this.#transports, transportId);
    const producer = await transport.produce({ kind, rtpParameters, appData: { person: this.id } });
    this.#producers.set(producer.id, producer);
    producer.observer.on('close', () => this.#producers.delete(producer.id));
    producer.on('score', (score) => this.tell('producerScore', { producerId: producer.id, score }));
    if (kind === 'audio') {
      await this.#room.speakers.addProducer({ producerId: producer.id });
      await this.#room.levels.addProducer({ producerId: producer.id });
    }
    for (const other of this.#room.others(this)) other.#consume(producer).catch((error) => console.error(error));
    return { id: producer.id };
  }

  async produceData({ transportId, sctpStreamParameters, label, protocol }) {
    const transport = this.#of(this.#transports, transportId);
    const dataProducer = await transport.produceData({ sctpStreamParameters, label, protocol, appData: { person: this.id } });
    this.#dataProducers.set(dataProducer.id, dataProducer);
    dataProducer.observer.on('close', () => this.#dataProducers.delete(dataProducer.id));
    for (const other of this.#room.others(this)) other.#consumeData(dataProducer).catch((error) => console.error(error));
    return { id: dataProducer.id };
  }

  closeProducer({ producerId }) {
    this.#of(this.#producers, producerId).close();
  }

  pauseProducer({ producerId }) {
    return this.#of(this.#producers, producerId).pause();
  }

  resumeProducer({ producerId }) {
    return this.#of(this.#producers, producerId).resume();
  }

  pauseConsumer({ consumerId }) {
    return this.#of(this.#consumers, consumerId).pause();
  }

  resumeConsumer({ consumerId }) {
    return this.#of(this.#consumers, consumerId).resume();
  }

  setPreferredLayers({ consumerId, spatialLayer, temporalLayer }) {
    return this.#of(this.#consumers, consumerId).setPreferredLayers({ spatialLayer, temporalLayer });
  }

  connection({ transportId }) {
    const { iceState, iceSelectedTuple, dtlsState, sctpState } = this.#of(this.#transports, transportId);
    return { iceState, iceSelectedTuple, dtlsState, sctpState };
  }

  async consumerStats({ consumerId }) {
    return { stats: await this.#of(this.#consumers, consumerId).getStats() };
  }

  /** Sends a producer of another to this person: paused, until the page is ready to show it. */
  async #consume(producer) {
    const transport = this.#receiving();
    const rtpCapabilities = this.#capabilities;
    if (!transport || producer.closed) return;
    if (!this.#room.router.canConsume({ producerId: producer.id, rtpCapabilities })) return;
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities, paused: true });
    this.#consumers.set(consumer.id, consumer);
    const { id, producerId, kind, rtpParameters, type, producerPaused } = consumer;
    consumer.observer.on('close', () => this.#consumers.delete(id));
    consumer.on('producerclose', () => this.tell('consumerClosed', { id }));
    consumer.on('producerpause', () => this.tell('consumerPaused', { id }));
    consumer.on('producerresume', () => this.tell('consumerResumed', { id }));
    consumer.on('score', (score) => this.tell('consumerScore', { id, score }));
    consumer.on('layerschange', (layers) => this.tell('consumerLayers', { id, layers: layers ?? null }));
    this.tell('consumer', { id, producerId, kind, rtpParameters, type, producerPaused, person: producer.appData.person });
  }

  async #consumeData(dataProducer) {
    const transport = this.#receiving();
    if (!transport || dataProducer.closed) return;
    const dataConsumer = await transport.consumeData({ dataProducerId: dataProducer.id });
    const { id, dataProducerId, sctpStreamParameters, label, protocol } = dataConsumer;
    dataConsumer.on('dataproducerclose', () => this.tell('dataConsumerClosed', { id }));
    const { person } = dataProducer.appData;
    this.tell('dataConsumer', { id, dataProducerId, sctpStreamParameters, label, protocol, person });
  }

  /** The transport to the page, once the page is ready. */
  #receiving() {
    if (!this.#capabilities) return undefined;
    return [...this.#transports.values()].find((transport) => transport.appData.direction === 'recv');
  }

  #of(map, id) {
    const found = map.get(id);
    if (!found) throw new Error(`there is nothing with the id ${id}`);
    return found;
  }

  #leave() {
    if (!this.#room) return;
    for (const transport of [...this.#transports.values()]) transport.close();
    this.#room.leave(this);
  }
}

/** What a page may call. */
const METHODS = new Set([
  'join',
  'createTransport',
  'connectTransport',
  'restartIce',
  'receive',
  'produce',
  'produceData',
  'closeProducer',
  'pauseProducer',
  'resumeProducer',
  'pauseConsumer',
  'resumeConsumer',
  'setPreferredLayers',
  'connection',
  'consumerStats',
]);
