/** Plenum: an SFU for WebRTC inside your Node.js process. */

export { Consumer, PipeConsumer, type ConsumerEvents, type PipeConsumerEvents } from './consumer.js';
export type { RouterContents } from './contents.js';
export { DataConsumer, type DataConsumerEvents } from './data_consumer.js';
export { DataProducer } from './data_producer.js';
export {
  ClosedError,
  CryptoError,
  IncompatibleError,
  InternalError,
  InvalidParametersError,
  IoError,
  LimitError,
  NotFoundError,
  SfuError,
  type ErrorCode,
} from './errors.js';
export type * from './events.js';
export { Handle, type HandleEvents } from './handle.js';
export {
  ActiveSpeakerObserver,
  AudioLevelObserver,
  type ActiveSpeakerObserverEvents,
  type AudioLevelObserverEvents,
} from './observer.js';
export type * from './options.js';
export type * from './parameters.js';
export { Producer, type ProducerEvents } from './producer.js';
export { Router, type PipedDataProducer, type PipedProducer, type RouterEvents } from './router.js';
export { SdpSession, type SdpProducer, type SdpSlot } from './sdp_session.js';
export { Sfu, supportedRtpCapabilities, type SfuEvents } from './sfu.js';
export type * from './stats.js';
export { EventStream, MessageStream, PacketStream } from './stream.js';
export {
  DirectTransport,
  PipeTransport,
  PlainTransport,
  WebRtcTransport,
  type Transport,
  type DirectTransportEvents,
  type PipeTransportEvents,
  type PlainTransportEvents,
  type TransportEvents,
  type WebRtcTransportEvents,
} from './transport.js';
