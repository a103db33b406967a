// Names of scalability modes (W3C webrtc-svc).

/** What a scalability mode says. */
export type ScalabilityMode = {
  /** Number of spatial layers, or of independent streams (`S3T3`). */
  spatialLayers: number;
  /** Number of temporal layers. */
  temporalLayers: number;
  /** Spatial layers depend on each other in key frames only (`L3T3_KEY`). */
  ksvc: boolean;
};

const PATTERN = /^[LS]([1-9][0-9]?)T([1-9][0-9]?)(_KEY)?/;

/** Reads a name such as `L3T3_KEY`; anything else is one layer of each kind. */
export function parseScalabilityMode(scalabilityMode?: string): ScalabilityMode {
  const found = PATTERN.exec(scalabilityMode ?? '');
  if (!found) return { spatialLayers: 1, temporalLayers: 1, ksvc: false };
  return { spatialLayers: Number(found[1]), temporalLayers: Number(found[2]), ksvc: found[3] !== undefined };
}
