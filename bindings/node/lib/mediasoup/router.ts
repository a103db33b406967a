// A router: a room, in which producers meet consumers.

import { ActiveSpeakerObserver, type ActiveSpeakerObserverOptions } from './active_speaker_observer.js';
import { checkAppData, describe, type AppData, type Either } from './app_data.js';
import { AudioLevelObserver, type AudioLevelObserverOptions } from './audio_level_observer.js';
import { canConsume } from './codecs.js';
import type { Consumer } from './consumer.js';
import type { DataConsumer } from './data_consumer.js';
import type { DataProducer } from './data_producer.js';
import { DirectTransport, type DirectTransportOptions } from './direct_transport.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { Entity, type EntityParts } from './entity.js';
import { NotFoundError } from './errors.js';
import { newId } from './ids.js';
import {
  announced,
  checkListenInfo,
  fromListenIp,
  fromListenIps,
  hostAndPort,
  type TransportListenInfo,
  type TransportListenIp,
} from './listen_info.js';
import type { Listener } from './listeners.js';
import { checkMediaCodecs, checkRoutable } from './media_codecs.js';
import { connectRouters, pairKey, pipeDataProducer, pipeProducer, type PipeTransportPair } from './pipes.js';
import { PipeTransport, type PipeTransportOptions } from './pipe_transport.js';
import { checkCryptoSuite, PlainTransport, type PlainTransportOptions, type SfuSrtpParameters } from './plain_transport.js';
import { withPort } from './ports.js';
import type { Producer } from './producer.js';
import { checkedList, checkInterval, checkMessageSizes, checkNumSctpStreams, checkRtcpListenInfo, preferred, udpInfo } from './router_arguments.js';
import { RouterBook } from './router_book.js';
import type { RtpObserver } from './rtp_observer.js';
import type { RtpCapabilities, RouterRtpCodecCapability } from './rtp_parameters.js';
import { PIPE_MESSAGE_SIZE, pipeSctpParameters, sctpParameters, type SctpOptions, type SfuSctpParameters } from './sctp_parameters.js';
import type { Transport, TransportParts } from './transport.js';
import { WebRtcServer } from './webrtc_server.js';
import { WebRtcTransport, type DtlsParameters, type IceParameters, type WebRtcTransportOptions } from './webrtc_transport.js';
import type { Worker } from './worker.js';

export type { PipeTransportPair } from './pipes.js';

/** Options of `worker.createRouter`. */
export type RouterOptions<RouterAppData extends AppData = AppData> = {
  /** Codecs that it routes, the preferred ones first. */
  mediaCodecs?: RouterRtpCodecCapability[];
  appData?: RouterAppData;
};

/** Options of `router.pipeToRouter`. */
export type PipeToRouterOptions = {
  /** What to pipe; or else `dataProducerId`. */
  producerId?: string;
  /** What to pipe; or else `producerId`. */
  dataProducerId?: string;
  /** Where it is to appear. */
  router: Router;
  /** Under the same id. So by default. */
  keepId?: boolean;
  /** Lost packets are sent again. Not by default. */
  enableRtx?: boolean;
  /** SRTP. Not by default. */
  enableSrtp?: boolean;
} & SctpOptions & Either<
  { listenInfo: TransportListenInfo },
  {
    /** Address of the pipe. 127.0.0.1 by default. */
    listenIp?: TransportListenIp | string;
  }
>;

/** What `router.pipeToRouter` made: what sends in this router, and what appears in the other. */
export type PipeToRouterResult = {
  pipeConsumer?: Consumer;
  pipeProducer?: Producer;
  pipeDataConsumer?: DataConsumer;
  pipeDataProducer?: DataProducer;
};

/** What `router.dump()` tells. */
export type RouterDump = {
  id: string;
  transportIds: string[];
  rtpObserverIds: string[];
  mapProducerIdConsumerIds: { key: string; values: string[] }[];
  mapConsumerIdProducerId: { key: string; value: string }[];
  mapProducerIdObserverIds: { key: string; values: string[] }[];
  mapDataProducerIdDataConsumerIds: { key: string; values: string[] }[];
  mapDataConsumerIdDataProducerId: { key: string; value: string }[];
};

export type RouterEvents = { workerclose: []; '@close': [] };

export type RouterObserver = EnhancedEventEmitter<RouterObserverEvents>;

export type RouterObserverEvents = { close: []; newtransport: [Transport]; newrtpobserver: [RtpObserver] };

/** @internal What a router is made of. */
export type RouterParts = EntityParts & { worker: Worker; rtpCapabilities: RtpCapabilities };

/** A room, in which producers meet consumers. Made by `worker.createRouter`. */
export class Router<RouterAppData extends AppData = AppData> extends Entity<RouterAppData, RouterEvents, RouterObserver> {
  readonly #parts: RouterParts;
  readonly #book: RouterBook;
  readonly #transports = new Map<string, Transport<any, any, any>>();
  readonly #observers = new Map<string, RtpObserver<any, any, any>>();
  readonly #pairs = new Map<string, Promise<PipeTransportPair>>();

  /** @internal */
  constructor(parts: RouterParts) {
    super(parts, 'Router');
    this.#parts = parts;
    this.#book = new RouterBook(parts.rtpCapabilities);
  }

  /** What it can receive; clients are loaded with it. */
  get rtpCapabilities(): RtpCapabilities {
    return this.#book.rtpCapabilities;
  }

  /** @internal What is in it. */
  get book(): RouterBook {
    return this.#book;
  }

  /** @private Its worker was closed. */
  workerClosed(): void {
    this.end({ tell: false, event: 'workerclose' });
  }

  /** @internal */
  protected override ended(): void {
    for (const transport of [...this.#transports.values()]) transport.routerClosed();
    this.#transports.clear();
    for (const observer of [...this.#observers.values()]) observer.routerClosed();
    this.#observers.clear();
    this.#pairs.clear();
  }

  /** What is in it. */
  async dump(): Promise<RouterDump> {
    this.check('dump');
    const { producers, consumers, dataProducers, dataConsumers } = this.#book;
    const ids = (all: Iterable<{ id: string }>): string[] => [...all].map((each) => each.id);
    const observers = [...this.#observers.values()];
    return {
      id: this.id,
      transportIds: [...this.#transports.keys()],
      rtpObserverIds: [...this.#observers.keys()],
      mapProducerIdConsumerIds: [...producers.values()].map((each) => ({ key: each.id, values: ids(each.consumers) })),
      mapConsumerIdProducerId: [...consumers.values()].map((each) => ({ key: each.id, value: each.producerId })),
      mapProducerIdObserverIds: [...producers.keys()].flatMap((key) => {
        const values = ids(observers.filter((observer) => observer.producerIds.includes(key)));
        return values.length > 0 ? [{ key, values }] : [];
      }),
      mapDataProducerIdDataConsumerIds: [...dataProducers.values()].map((each) => ({ key: each.id, values: ids(each.consumers) })),
      mapDataConsumerIdDataProducerId: [...dataConsumers.values()].map((each) => ({ key: each.id, value: each.dataProducerId })),
    };
  }

  /** Makes a transport to a WebRTC endpoint. */
  async createWebRtcTransport<WebRtcTransportAppData extends AppData = AppData>(
    options: WebRtcTransportOptions<WebRtcTransportAppData>,
  ): Promise<WebRtcTransport<WebRtcTransportAppData>> {
    const { webRtcServer, listenInfos, listenIps, port, enableUdp = true, numSctpStreams, appData } = options ?? {};
    const { enableTcp = webRtcServer !== undefined, preferUdp = false, preferTcp = false } = options ?? {};
    const { enableSctp = false, maxSctpMessageSize = 262_144, iceConsentTimeout = 30 } = options ?? {};
    const { maxSendMessageSize = maxSctpMessageSize, maxReceiveMessageSize = maxSctpMessageSize } = options ?? {};
    const ways = Object.values({ webRtcServer, listenInfos, listenIps }).filter((way) => way !== undefined).length;
    if (ways !== 1) throw new TypeError('webRtcServer, listenInfos, listenIps: expected exactly one of them');
    checkNumSctpStreams(numSctpStreams);
    checkMessageSizes({ maxSctpMessageSize, maxSendMessageSize, maxReceiveMessageSize });
    checkAppData(appData);
    this.check('createWebRtcTransport');
    const ownListeners = webRtcServer === undefined;
    let listeners: Listener[];
    if (webRtcServer !== undefined) {
      if (!(webRtcServer instanceof WebRtcServer) || webRtcServer.worker !== (this.#parts.worker as Worker)) {
        throw new TypeError('webRtcServer: expected a WebRtcServer of the worker of this router');
      }
      if (webRtcServer.closed) throw new NotFoundError(`webRtcServer: ${webRtcServer.id} is closed`);
      listeners = preferred(webRtcServer.listeners_, { preferUdp, preferTcp }).filter(({ info }) => {
        return info.protocol === 'udp' ? enableUdp : enableTcp;
      });
      if (listeners.length === 0) throw new TypeError('enableUdp, enableTcp: expected one that the webRtcServer has');
    } else {
      const infos =
        listenInfos ??
        fromListenIps(checkedList(listenIps, 'listenIps'), {
          ...(port === undefined ? {} : { port }),
          enableUdp,
          enableTcp,
          preferUdp,
          preferTcp,
        });
      checkedList(infos, 'listenInfos').forEach((info) => checkListenInfo(info, listenInfos ? 'listenInfos[]' : 'listenIps[]'));
      listeners = await this.#parts.worker.listeners_.open(infos, { exclusive: false });
    }
    const release = (): void => {
      if (ownListeners) for (const listener of listeners) listener.release();
    };
    type Made = { id: string; iceParameters: IceParameters; dtlsParameters: DtlsParameters; sctpParameters?: SfuSctpParameters | null };
    try {
      const parameters = { dataChannels: enableSctp, ...(enableSctp ? { maxMessageSize: maxReceiveMessageSize } : {}) };
      const made = await this.#make<Made>('createWebRtcTransport', parameters);
      const sizes = enableSctp ? { send: maxSendMessageSize, receive: maxReceiveMessageSize } : { send: 0, receive: 0 };
      if (webRtcServer?.closed) {
        this.engine.tell('WebRtcTransport.close', made.id);
        throw new NotFoundError(`webRtcServer: ${webRtcServer.id} was closed meanwhile`);
      }
      const transport = new WebRtcTransport<WebRtcTransportAppData>(this.#transportParts(made.id, sizes, appData), {
        iceParameters: made.iceParameters,
        dtlsParameters: made.dtlsParameters,
        sctpParameters: made.sctpParameters ? sctpParameters(made.sctpParameters, maxSendMessageSize) : undefined,
        listeners,
        ownListeners,
        prefer: { udp: preferUdp, tcp: preferTcp },
        consent: iceConsentTimeout !== 0,
      });
      this.#add(transport);
      webRtcServer?.handleWebRtcTransport(transport);
      this.observer.safeEmit('newtransport', transport as unknown as Transport);
      return transport;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Makes a transport by plain RTP or SRTP. */
  async createPlainTransport<PlainTransportAppData extends AppData = AppData>(
    options: PlainTransportOptions<PlainTransportAppData>,
  ): Promise<PlainTransport<PlainTransportAppData>> {
    const { listenInfo, rtcpListenInfo, listenIp, port, rtcpMux = true, comedia = false, appData } = options ?? {};
    const { enableSctp = false, enableSrtp = false, srtpCryptoSuite = 'AES_CM_128_HMAC_SHA1_80', numSctpStreams } = options ?? {};
    const { maxSctpMessageSize = 262_144, maxSendMessageSize = maxSctpMessageSize, maxReceiveMessageSize = maxSctpMessageSize } = options ?? {};
    const info = udpInfo({ listenInfo, listenIp, port });
    checkNumSctpStreams(numSctpStreams);
    checkMessageSizes({ maxSctpMessageSize, maxSendMessageSize, maxReceiveMessageSize });
    if (rtcpListenInfo !== undefined) checkListenInfo(rtcpListenInfo, 'rtcpListenInfo');
    checkCryptoSuite(srtpCryptoSuite, 'srtpCryptoSuite');
    checkAppData(appData);
    this.check('createPlainTransport');
    if (!rtcpMux && rtcpListenInfo) checkRtcpListenInfo(rtcpListenInfo, info);
    type Made = {
      id: string;
      localAddress: string;
      localRtcpAddress?: string | null;
      srtpParameters?: SfuSrtpParameters | null;
      sctpParameters?: SfuSctpParameters | null;
    };
    const made = await withPort(this.#ports(info), (candidate) =>
      this.#make<Made>('createPlainTransport', {
        listen: hostAndPort(info.ip, candidate),
        rtcpMux,
        comedia,
        ...(enableSrtp ? { srtpProfile: srtpCryptoSuite } : {}),
        ...(enableSctp ? { dataChannels: true, maxMessageSize: maxReceiveMessageSize } : {}),
      }),
    );
    const sizes = enableSctp ? { send: maxSendMessageSize, receive: maxReceiveMessageSize } : { send: 0, receive: 0 };
    const transport = new PlainTransport<PlainTransportAppData>(this.#transportParts(made.id, sizes, appData), {
      localAddress: made.localAddress,
      localRtcpAddress: made.localRtcpAddress ?? undefined,
      srtpParameters: made.srtpParameters ?? undefined,
      sctpParameters: made.sctpParameters ? sctpParameters(made.sctpParameters, maxSendMessageSize, false) : undefined,
      rtcpMux,
      comedia,
      address: announced(info),
    });
    this.#add(transport);
    this.observer.safeEmit('newtransport', transport as unknown as Transport);
    return transport;
  }

  /** Makes one end of a pipe to a router elsewhere. */
  async createPipeTransport<PipeTransportAppData extends AppData = AppData>(
    options: PipeTransportOptions<PipeTransportAppData>,
  ): Promise<PipeTransport<PipeTransportAppData>> {
    // The other end may be another SFU, which states no demand.
    return this.createPipe(options, { demand: false });
  }

  /** @internal With `demand` nothing is sent that the other end does not want. */
  async createPipe<PipeTransportAppData extends AppData = AppData>(
    options: PipeTransportOptions<PipeTransportAppData>,
    { demand }: { demand: boolean },
  ): Promise<PipeTransport<PipeTransportAppData>> {
    const { listenInfo, listenIp, port, enableSctp = false, enableRtx = false, enableSrtp = false, appData } = options ?? {};
    const { maxSctpMessageSize = 262_144, maxSendMessageSize = maxSctpMessageSize, maxReceiveMessageSize = maxSctpMessageSize } = options ?? {};
    const info = udpInfo({ listenInfo, listenIp, port });
    checkAppData(appData);
    this.check('createPipeTransport');
    checkMessageSizes({ maxSctpMessageSize, maxSendMessageSize, maxReceiveMessageSize });
    type Made = { id: string; localAddress: string; srtpParameters?: SfuSrtpParameters | null };
    const made = await withPort(this.#ports(info), (candidate) =>
      this.#make<Made>('createPipeTransport', {
        listen: hostAndPort(info.ip, candidate),
        rtx: enableRtx,
        demand,
        ...(enableSrtp ? { srtpProfile: 'AEAD_AES_256_GCM' } : {}),
      }),
    );
    const size = enableSctp ? PIPE_MESSAGE_SIZE : 0;
    const transport = new PipeTransport<PipeTransportAppData>(this.#transportParts(made.id, { send: size, receive: size }, appData), {
      localAddress: made.localAddress,
      srtpParameters: made.srtpParameters ?? undefined,
      sctpParameters: enableSctp ? pipeSctpParameters() : undefined,
      rtx: enableRtx,
      address: announced(info),
    });
    this.#add(transport);
    this.observer.safeEmit('newtransport', transport as unknown as Transport);
    return transport;
  }

  /** Makes a transport to the application. */
  async createDirectTransport<DirectTransportAppData extends AppData = AppData>(
    options: DirectTransportOptions<DirectTransportAppData> = {},
  ): Promise<DirectTransport<DirectTransportAppData>> {
    const { maxMessageSize = 262_144, maxSendMessageSize = maxMessageSize, maxReceiveMessageSize = maxMessageSize, appData } = options;
    checkMessageSizes({ maxMessageSize, maxSendMessageSize, maxReceiveMessageSize });
    checkAppData(appData);
    this.check('createDirectTransport');
    const made = await this.#make<{ id: string }>('createDirectTransport', {});
    const transport = new DirectTransport<DirectTransportAppData>(this.#transportParts(made.id, { send: maxSendMessageSize, receive: maxReceiveMessageSize }, appData));
    this.#add(transport);
    this.observer.safeEmit('newtransport', transport as unknown as Transport);
    return transport;
  }

  /** Has a producer or a data producer appear in another router of this process, of any worker. */
  async pipeToRouter(options: PipeToRouterOptions): Promise<PipeToRouterResult> {
    const { producerId, dataProducerId, router, listenInfo, listenIp } = options ?? {};
    const { keepId = true, enableRtx = false, enableSrtp = false } = options ?? {};
    if (listenInfo !== undefined && listenIp !== undefined) throw new TypeError('listenInfo, listenIp: expected only one of them');
    if ((producerId === undefined) === (dataProducerId === undefined)) {
      throw new TypeError('producerId, dataProducerId: expected exactly one of them');
    }
    if (!(router instanceof Router)) throw new TypeError(`router: expected a Router, got ${describe(router)}`);
    if (router === (this as Router<any>)) throw new TypeError('router: expected another one than this');
    const info = listenInfo ?? fromListenIp(listenIp ?? '127.0.0.1', 'udp');
    checkListenInfo(info, listenInfo ? 'listenInfo' : 'listenIp');
    this.check('pipeToRouter');
    const pair = () => this.#pairWith(router, { listenInfo: info, enableRtx, enableSrtp });
    if (producerId !== undefined) {
      const producer = this.#book.producers.get(producerId);
      if (!producer) throw new NotFoundError(`producerId: the router has no producer ${producerId}`);
      const id = keepId ? producer.id : newId();
      return pipeProducer(ends(await pair(), this, router), producer, id);
    }
    const dataProducer = this.#book.dataProducers.get(dataProducerId as string);
    if (!dataProducer) throw new NotFoundError(`dataProducerId: the router has no data producer ${dataProducerId}`);
    const id = keepId ? dataProducer.id : newId();
    return pipeDataProducer(ends(await pair(), this, router), dataProducer, id);
  }

  /** @private The other router has made a pipe to this one. */
  addPipeTransportPair(pipeTransportPairKey: string, pipeTransportPairPromise: Promise<PipeTransportPair>): void {
    this.#pairs.set(pipeTransportPairKey, pipeTransportPairPromise);
    const forget = (): void => {
      if (this.#pairs.get(pipeTransportPairKey) === pipeTransportPairPromise) this.#pairs.delete(pipeTransportPairKey);
    };
    pipeTransportPairPromise.then((pair) => pair[this.id]?.observer.on('close', forget), forget);
  }

  /** Makes an observer that tells who speaks. */
  async createActiveSpeakerObserver<ActiveSpeakerObserverAppData extends AppData = AppData>(
    options: ActiveSpeakerObserverOptions<ActiveSpeakerObserverAppData> = {},
  ): Promise<ActiveSpeakerObserver<ActiveSpeakerObserverAppData>> {
    const { interval = 300, appData } = options;
    checkInterval(interval);
    checkAppData(appData);
    this.check('createActiveSpeakerObserver');
    const made = await this.#make<{ id: string }>('createActiveSpeakerObserver', { intervalMs: interval, scope: 'added' });
    const observer = new ActiveSpeakerObserver<ActiveSpeakerObserverAppData>(this.#observerParts(made.id, appData));
    this.#addObserver(observer);
    return observer;
  }

  /** Makes an observer that tells who is how loud. */
  async createAudioLevelObserver<AudioLevelObserverAppData extends AppData = AppData>(
    options: AudioLevelObserverOptions<AudioLevelObserverAppData> = {},
  ): Promise<AudioLevelObserver<AudioLevelObserverAppData>> {
    const { maxEntries = 1, threshold = -80, interval = 1000, appData } = options;
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw new TypeError(`maxEntries: expected a number from 1, got ${describe(maxEntries)}`);
    }
    if (!Number.isInteger(threshold) || threshold < -127 || threshold > 0) {
      throw new TypeError(`threshold: expected dBov from -127 to 0, got ${describe(threshold)}`);
    }
    checkInterval(interval);
    checkAppData(appData);
    this.check('createAudioLevelObserver');
    const parameters = { maxEntries, threshold, intervalMs: interval, scope: 'added' };
    const made = await this.#make<{ id: string }>('createAudioLevelObserver', parameters);
    const observer = new AudioLevelObserver<AudioLevelObserverAppData>(this.#observerParts(made.id, appData));
    this.#addObserver(observer);
    return observer;
  }

  /** Whether an endpoint with these capabilities can consume a producer. */
  canConsume({ producerId, rtpCapabilities }: { producerId: string; rtpCapabilities: RtpCapabilities }): boolean {
    const producer = this.#book.producers.get(producerId);
    if (!producer) {
      this.logger.error(`canConsume: the router has no producer ${producerId}`);
      return false;
    }
    try {
      return canConsume(producer.consumableRtpParameters, rtpCapabilities);
    } catch (error) {
      this.logger.error('canConsume: the capabilities are wrong', error);
      return false;
    }
  }

  /**
   * Has it route other codecs from now on. What was made with the former ones goes on, and a codec that it had before has
   * the payload type that it had then.
   */
  updateMediaCodecs(mediaCodecs: RouterRtpCodecCapability[]): void {
    checkMediaCodecs(mediaCodecs);
    this.check('updateMediaCodecs');
    checkRoutable(mediaCodecs);
    this.#book.rtpCapabilities = this.engine.updateMediaCodecs(this.engineId, mediaCodecs);
  }

  /** Makes something in the SFU's router. If this was closed meanwhile, it is gone already. */
  async #make<T>(method: string, parameters: object): Promise<T> {
    const made = await this.call<T>(method, parameters);
    this.checkStill(method);
    return made;
  }

  #transportParts(engineId: string, messageSize: { send: number; receive: number }, appData: AppData | undefined): TransportParts {
    return { engine: this.engine, engineId, id: newId(), book: this.#book, messageSize, appData };
  }

  #observerParts(engineId: string, appData: AppData | undefined): ConstructorParameters<typeof ActiveSpeakerObserver>[0] {
    const producer = (id: string): Producer<any> | undefined => this.#book.producers.get(id);
    return { engine: this.engine, engineId, id: newId(), producer, appData };
  }

  #add(transport: Transport<any, any, any>): void {
    this.#transports.set(transport.id, transport);
    transport.observer.on('close', () => this.#transports.delete(transport.id));
  }

  #addObserver(observer: RtpObserver<any, any, any>): void {
    this.#observers.set(observer.id, observer);
    observer.observer.on('close', () => this.#observers.delete(observer.id));
    this.observer.safeEmit('newrtpobserver', observer);
  }

  #ports({ port, portRange }: TransportListenInfo): { min: number; max: number } {
    if (portRange && portRange.max > 0) return portRange;
    return port ? { min: port, max: port } : this.#parts.worker.portRange_;
  }

  #pairWith(router: Router<any>, settings: Parameters<typeof connectRouters>[2]): Promise<PipeTransportPair> {
    const key = pairKey(this, router);
    const known = this.#pairs.get(key);
    if (known) return known;
    const pair = connectRouters(this, router, settings);
    this.addPipeTransportPair(key, pair);
    router.addPipeTransportPair(key, pair);
    return pair;
  }
}

/** The two ends of a pair, from one router to another. */
function ends<T>(pair: { [routerId: string]: T }, from: Router<any>, to: Router<any>): { from: T; to: T } {
  return { from: pair[from.id] as T, to: pair[to.id] as T };
}
