// What the SFU can route.

import { native } from '../native.js';
import type { RouterRtpCapabilities } from './rtp_parameters.js';

/** All codecs and header extensions that a router can have, as a copy. */
export function getSupportedRtpCapabilities(): RouterRtpCapabilities {
  return JSON.parse(native().supportedRtpCapabilities()) as RouterRtpCapabilities;
}
