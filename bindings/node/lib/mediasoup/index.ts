/**
 * The API of mediasoup v3 on top of Plenum: a server for mediasoup switches by importing `plenum-sfu/mediasoup`
 * instead of `mediasoup`. What differs is in the README beside this file.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppData } from './app_data.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import type { setLogEventListeners } from './logger.js';
import type { getSupportedRtpCapabilities } from './supported.js';
import type { parseScalabilityMode } from './scalability_mode.js';
import { Worker, type WorkerSettings } from './worker.js';

export type * as types from './types.js';
export * as extras from './extras.js';
export * as errors from './error_types.js';
export { InvalidStateError, NotFoundError, UnsupportedError, WorkerClosedError } from './errors.js';
export { setLogEventListeners, type LogEventListeners } from './logger.js';
export { parseScalabilityMode } from './scalability_mode.js';
export { getSupportedRtpCapabilities } from './supported.js';

/** Events of the module's observer. */
export type ObserverEvents = { newworker: [Worker] };

/** Tells of all workers. */
export type Observer = EnhancedEventEmitter<ObserverEvents>;

/** Version of the package. */
export const version: string = (
  JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }
).version;

/** Empty: an SFU runs in this process, and there is no other program. */
export const workerBin: string = '';

/** Tells of all workers. */
export const observer: Observer = new EnhancedEventEmitter<ObserverEvents>();

/** Starts an SFU in this process, with one thread for its media. */
export async function createWorker<WorkerAppData extends AppData = AppData>(
  settings: WorkerSettings<WorkerAppData> = {},
): Promise<Worker<WorkerAppData>> {
  const worker = await Worker.start(settings);
  observer.safeEmit('newworker', worker as Worker<any>);
  return worker;
}

/** The module as an object. */
export interface Index {
  version: string;
  observer: Observer;
  workerBin: string;
  setLogEventListeners: typeof setLogEventListeners;
  createWorker: typeof createWorker;
  getSupportedRtpCapabilities: typeof getSupportedRtpCapabilities;
  parseScalabilityMode: typeof parseScalabilityMode;
}
