/** A router: a room. */

import type { Connection } from './connection.js';
import { PipeConsumer, type PipeConsumerDescription } from './consumer.js';
import { contentsOf, type ContentsDescription, type RouterContents } from './contents.js';
import { DataConsumer, type DataConsumerDescription } from './data_consumer.js';
import { DataProducer, type DataProducerDescription } from './data_producer.js';
import type { RouterEvent } from './events.js';
import { Handle, idOf, optionsOf, type HandleEvents } from './handle.js';
import { ActiveSpeakerObserver, AudioLevelObserver, type ObserverDescription } from './observer.js';
import type {
  ActiveSpeakerObserverOptions,
  AudioLevelObserverOptions,
  PipeDataToRouterOptions,
  PipeToRouterOptions,
  PipeTransportOptions,
  PlainTransportOptions,
  SdpOptions,
  SpeakerOptions,
  WebRtcTransportOptions,
} from './options.js';
import type { Id, RtpCapabilities, RtpCodecCapability } from './parameters.js';
import { Producer, type ProducerDescription } from './producer.js';
import { SdpSession, type SdpSessionDescription } from './sdp_session.js';
import type { RouterDump, Speakers } from './stats.js';
import type { EventStream } from './stream.js';
import {
  DirectTransport,
  PipeTransport,
  PlainTransport,
  WebRtcTransport,
  type Transport,
  type TransportDescription,
} from './transport.js';

/** Events of a {@link Router}. */
export interface RouterEvents extends HandleEvents {
  /** Who is forwarded to the slots that follow speakers changed: audio producers by rank. */
  'speakers-changed': [speakers: (Id | null)[]];
  /** Another became the dominant speaker of all its producers. */
  'active-speaker': [producer: Id];
}

/** How the SFU describes a router. @internal */
export interface RouterDescription {
  id: Id;
  shard: number;
  rtpCapabilities: RtpCapabilities;
}

/** A producer and its like in another router of the same `Sfu`. */
export interface PipedProducer {
  /** The way into the pipe, in the router where the producer is. */
  pipeConsumer: PipeConsumer;
  /** The producer at the other end. */
  producer: Producer;
}

/** A data producer and its like in another router of the same `Sfu`. */
export interface PipedDataProducer {
  /** The way into the pipe, in the router where the data producer is. */
  dataConsumer: DataConsumer;
  /** The data producer at the other end. */
  dataProducer: DataProducer;
}

/** A room: transports bring producers into it, and consumers follow them. */
export class Router extends Handle<RouterEvents> {
  /** @internal */
  readonly noun = 'Router';
  /** The shard that runs it. */
  readonly shard: number;
  #rtpCapabilities: RtpCapabilities;

  /** @internal */
  constructor(connection: Connection, description: RouterDescription) {
    super(connection, description.id, undefined);
    this.shard = description.shard;
    this.#rtpCapabilities = description.rtpCapabilities;
  }

  /** What it can route, with its own payload types and extension ids; others after {@link updateMediaCodecs}. */
  get rtpCapabilities(): RtpCapabilities {
    return this.#rtpCapabilities;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'router-closed') this.markClosed('requested');
    else if (event.type === 'speakers-changed') this.tell('speakers-changed', event.speakers);
    else if (event.type === 'active-speaker') this.tell('active-speaker', event.producer);
  }

  /** The open transports of it. */
  get transports(): Transport[] {
    return this.childrenOf<Transport>(WebRtcTransport, PlainTransport, PipeTransport, DirectTransport);
  }

  /** The open observers of it. */
  get observers(): (ActiveSpeakerObserver | AudioLevelObserver)[] {
    return this.childrenOf<ActiveSpeakerObserver | AudioLevelObserver>(ActiveSpeakerObserver, AudioLevelObserver);
  }

  /** A transport for a browser or another WebRTC endpoint. */
  async createWebRtcTransport(options?: WebRtcTransportOptions): Promise<WebRtcTransport> {
    return new WebRtcTransport(this.connection, await this.#transport('createWebRtcTransport', options));
  }

  /** A transport for RTP or SRTP over UDP without ICE. */
  async createPlainTransport(options: PlainTransportOptions): Promise<PlainTransport> {
    return new PlainTransport(this.connection, await this.#transport('createPlainTransport', options));
  }

  /** A transport to a router on another host, or in another process. */
  async createPipeTransport(options: PipeTransportOptions): Promise<PipeTransport> {
    return new PipeTransport(this.connection, await this.#transport('createPipeTransport', options));
  }

  /** A transport that ends in this process. */
  async createDirectTransport(): Promise<DirectTransport> {
    return new DirectTransport(this.connection, await this.#transport('createDirectTransport', {}));
  }

  async #transport(method: string, options: object | undefined): Promise<TransportDescription> {
    return (await this.call(method, optionsOf('options', options))) as TransportDescription;
  }

  /** An observer that tells who of its producers is the dominant speaker. */
  async createActiveSpeakerObserver(options?: ActiveSpeakerObserverOptions): Promise<ActiveSpeakerObserver> {
    const answer = await this.call('createActiveSpeakerObserver', optionsOf('options', options));
    return new ActiveSpeakerObserver(this.connection, answer as ObserverDescription);
  }

  /** An observer that tells how loud its producers are. */
  async createAudioLevelObserver(options?: AudioLevelObserverOptions): Promise<AudioLevelObserver> {
    const answer = await this.call('createAudioLevelObserver', optionsOf('options', options));
    return new AudioLevelObserver(this.connection, answer as ObserverDescription);
  }

  /**
   * Makes a producer of this router available in another router of the same `Sfu`, on whichever shard that is. Asked
   * again for the same producer, it gives the same again.
   */
  async pipeToRouter(options: PipeToRouterOptions): Promise<PipedProducer> {
    const { producer, router, ...rest } = optionsOf('options', options);
    const answer = (await this.call('pipeToRouter', {
      ...rest,
      producer: idOf(this.connection, 'producer', producer),
      router: idOf(this.connection, 'router', router),
    })) as { pipeConsumer: PipeConsumerDescription; producer: ProducerDescription };
    const known = this.connection.find(answer.pipeConsumer.id);
    const far = this.connection.find(answer.producer.id);
    return {
      pipeConsumer: known instanceof PipeConsumer ? known : new PipeConsumer(this.connection, answer.pipeConsumer),
      producer: far instanceof Producer ? far : new Producer(this.connection, answer.producer),
    };
  }

  /**
   * Makes a data producer of this router available in another router of the same `Sfu`. No message that is sent after
   * it is lost on the way. Asked again for the same data producer, it gives the same again.
   */
  async pipeDataToRouter(options: PipeDataToRouterOptions): Promise<PipedDataProducer> {
    const { dataProducer, router, ...rest } = optionsOf('options', options);
    const answer = (await this.call('pipeDataToRouter', {
      ...rest,
      dataProducer: idOf(this.connection, 'dataProducer', dataProducer),
      router: idOf(this.connection, 'router', router),
    })) as { dataConsumer: DataConsumerDescription; dataProducer: DataProducerDescription };
    const known = this.connection.find(answer.dataConsumer.id);
    const far = this.connection.find(answer.dataProducer.id);
    return {
      dataConsumer: known instanceof DataConsumer ? known : new DataConsumer(this.connection, answer.dataConsumer),
      dataProducer: far instanceof DataProducer ? far : new DataProducer(this.connection, answer.dataProducer),
    };
  }

  /** Whether a receiver with these capabilities can consume this producer. */
  async canConsume(options: { producer: Producer | Id; rtpCapabilities: RtpCapabilities }): Promise<boolean> {
    const { producer, ...rest } = optionsOf('options', options);
    const parameters = { ...rest, producer: idOf(this.connection, 'producer', producer) };
    return ((await this.call('canConsume', parameters)) as { canConsume: boolean }).canConsume;
  }

  /**
   * Has it route these codecs from now on, the preferred one first; gives the new {@link rtpCapabilities}. What was made
   * with others goes on, and a codec that the router had before has the payload type that it had then.
   */
  async updateMediaCodecs(codecs: readonly RtpCodecCapability[]): Promise<RtpCapabilities> {
    const answer = (await this.call('updateMediaCodecs', { codecs })) as { rtpCapabilities: RtpCapabilities };
    this.#rtpCapabilities = answer.rtpCapabilities;
    return answer.rtpCapabilities;
  }

  /** Who speaks now, and who spoke before. */
  async speakers(): Promise<Speakers> {
    return (await this.call('speakers')) as Speakers;
  }

  /** How many speakers are forwarded to the consumers that follow them. */
  async setSpeakerOptions(options: SpeakerOptions): Promise<void> {
    await this.call('setSpeakerOptions', optionsOf('options', options));
  }

  /**
   * Takes in a peer by its SDP offer (RFC 8829): a transport, a producer for each section on which the peer sends, an
   * empty slot for each on which it receives, and the answer.
   */
  async acceptOffer(offer: string, options?: SdpOptions): Promise<SdpSession> {
    const answer = await this.call('acceptOffer', { ...optionsOf('options', options), offer });
    return new SdpSession(this.connection, answer as SdpSessionDescription);
  }

  /** The whole state, for {@link Sfu.restoreRouter}. The bytes hold secrets. */
  async snapshot(): Promise<Buffer> {
    const answer = await this.connection.call(this.noun, 'snapshot', this.id);
    return answer.payload ?? Buffer.alloc(0);
  }

  /** What is in it, by ids. */
  async dump(): Promise<RouterDump> {
    return (await this.call('dump')) as RouterDump;
  }

  /** Everything in it, of all transports. */
  async contents(): Promise<RouterContents> {
    return contentsOf(this.connection, (await this.call('contents')) as ContentsDescription);
  }

  /**
   * What happens in it from now on. At most `capacity` events wait for the reader; the oldest of more are lost, and
   * counted by a `lagged` event.
   */
  events(capacity = 16_384): EventStream<RouterEvent> {
    return this.connection.events(this.id, capacity);
  }
}
