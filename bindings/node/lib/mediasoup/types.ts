// All types of the API.

export type { AppData, Either } from './app_data.js';
export type * from './active_speaker_observer.js';
export type * from './audio_level_observer.js';
export type * from './consumer.js';
export type * from './data_consumer.js';
export type * from './data_producer.js';
export type * from './direct_transport.js';
export type * from './error_types.js';
export type { Index, LogEventListeners, Observer, ObserverEvents } from './index.js';
export type {
  TransportListenInfo,
  TransportListenIp,
  TransportPortRange,
  TransportProtocol,
  TransportSocketFlags,
} from './listen_info.js';
export type * from './pipe_transport.js';
export type * from './plain_transport.js';
export type * from './producer.js';
export type * from './router.js';
export type * from './rtp_observer.js';
export type * from './rtp_parameters.js';
export type * from './scalability_mode.js';
export type * from './sctp_parameters.js';
export type { BaseRtpStreamStats, BaseTransportStats, BitrateByLayer, RtpStreamRecvStats, RtpStreamSendStats } from './stats.js';
export type * from './transport.js';
export type { TransportTuple } from './tuple.js';
export type * from './webrtc_server.js';
export type * from './webrtc_transport.js';
export type * from './worker.js';
