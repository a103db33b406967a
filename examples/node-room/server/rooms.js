// Rooms by their names. The import is all that differs from a server on mediasoup.
import * as mediasoup from 'plenum-sfu/mediasoup';

const MEDIA_CODECS = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: { 'x-google-start-bitrate': 1_000 } },
];

export class Rooms {
  #worker;
  #webRtcServer;
  #rooms = new Map();

  static async open({ ip, announcedAddress, port }) {
    const rooms = new Rooms();
    rooms.#worker = await mediasoup.createWorker({ logLevel: 'warn' });
    rooms.#worker.on('died', (error) => {
      console.error('the worker has died:', error.message);
      process.exit(1);
    });
    rooms.#webRtcServer = await rooms.#worker.createWebRtcServer({
      listenInfos: ['udp', 'tcp'].map((protocol) => ({ protocol, ip, announcedAddress, port })),
    });
    return rooms;
  }

  /** The room of this name, which is made when it is entered first. */
  enter(name) {
    let room = this.#rooms.get(name);
    if (!room) {
      const forget = () => this.#rooms.delete(name);
      room = Room.create(this.#worker, this.#webRtcServer, forget);
      room.catch(forget);
      this.#rooms.set(name, room);
    }
    return room;
  }

  close() {
    this.#worker.close();
  }
}

/** A router, who is in it, and who speaks. */
class Room {
  people = new Map();
  #webRtcServer;
  #empty;

  static async create(worker, webRtcServer, empty) {
    const room = new Room();
    room.#webRtcServer = webRtcServer;
    room.#empty = empty;
    room.router = await worker.createRouter({ mediaCodecs: MEDIA_CODECS });
    room.speakers = await room.router.createActiveSpeakerObserver({ interval: 300 });
    room.speakers.on('dominantspeaker', ({ producer }) => room.tell('speaker', { person: producer.appData.person }));
    room.levels = await room.router.createAudioLevelObserver({ maxEntries: 8, threshold: -70, interval: 500 });
    room.levels.on('volumes', (volumes) => {
      room.tell('levels', volumes.map(({ producer, volume }) => ({ person: producer.appData.person, volume })));
    });
    room.levels.on('silence', () => room.tell('levels', []));
    return room;
  }

  createTransport(appData) {
    return this.router.createWebRtcTransport({
      webRtcServer: this.#webRtcServer,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      enableSctp: true,
      initialAvailableOutgoingBitrate: 1_000_000,
      appData,
    });
  }

  others(person) {
    return [...this.people.values()].filter((other) => other !== person);
  }

  tell(event, data) {
    for (const person of this.people.values()) person.tell(event, data);
  }

  leave(person) {
    this.people.delete(person.id);
    this.tell('left', { person: person.id });
    if (this.people.size > 0) return;
    this.#empty();
    this.router.close();
  }
}
