/** Everything in a router, as handles: for one that was restored. */

import type { Connection } from './connection.js';
import { Consumer, PipeConsumer, type ConsumerDescription, type PipeConsumerDescription } from './consumer.js';
import { DataConsumer, type DataConsumerDescription } from './data_consumer.js';
import { DataProducer, type DataProducerDescription } from './data_producer.js';
import type { Handle } from './handle.js';
import { ActiveSpeakerObserver, AudioLevelObserver } from './observer.js';
import type { Id } from './parameters.js';
import { Producer, type ProducerDescription } from './producer.js';
import { transportOf, type Transport, type TransportDescription } from './transport.js';

/** Everything in a router, as {@link Router.contents} gives it. */
export interface RouterContents {
  transports: Transport[];
  producers: Producer[];
  consumers: Consumer[];
  pipeConsumers: PipeConsumer[];
  dataProducers: DataProducer[];
  dataConsumers: DataConsumer[];
  observers: (ActiveSpeakerObserver | AudioLevelObserver)[];
}

/** How the SFU describes it. @internal */
export interface ContentsDescription {
  transports: TransportDescription[];
  producers: ProducerDescription[];
  consumers: ConsumerDescription[];
  pipeConsumers: PipeConsumerDescription[];
  dataProducers: DataProducerDescription[];
  dataConsumers: DataConsumerDescription[];
  observers: { id: Id; router: Id; kind: 'active-speaker' | 'audio-level' }[];
}

/** The handles of what is described: those that are known, and new ones. @internal */
export function contentsOf(connection: Connection, described: ContentsDescription): RouterContents {
  const known = <D extends { id: Id }, H extends Handle>(all: D[], make: (description: D) => H): H[] =>
    all.map((description) => (connection.find(description.id) as H | undefined) ?? make(description));
  return {
    // First what the others belong to.
    transports: known(described.transports, (it) => transportOf(connection, it)),
    producers: known(described.producers, (it) => new Producer(connection, it)),
    consumers: known(described.consumers, (it) => new Consumer(connection, it)),
    pipeConsumers: known(described.pipeConsumers, (it) => new PipeConsumer(connection, it)),
    dataProducers: known(described.dataProducers, (it) => new DataProducer(connection, it)),
    dataConsumers: known(described.dataConsumers, (it) => new DataConsumer(connection, it)),
    observers: known(described.observers, (it) =>
      it.kind === 'active-speaker' ? new ActiveSpeakerObserver(connection, it) : new AudioLevelObserver(connection, it),
    ),
  };
}
