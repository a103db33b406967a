// As much of RTCP as an application needs to ask for key frames (RFC 4585 §6.3.1, RFC 5104 §4.3.1).

const PAYLOAD_SPECIFIC = 206;
const PLI = 1;
const FIR = 4;

/** SSRCs of the media of which the packets of a compound ask for a key frame. What is malformed asks for nothing. */
export function keyFrameRequests(compound: Uint8Array): number[] {
  const view = new DataView(compound.buffer, compound.byteOffset, compound.byteLength);
  const ssrcs: number[] = [];
  for (let at = 0; at + 12 <= view.byteLength; ) {
    const length = 4 * (view.getUint16(at + 2) + 1);
    const end = at + length;
    if (view.getUint8(at) >> 6 !== 2 || end > view.byteLength) break;
    const format = view.getUint8(at) & 0x1f;
    if (view.getUint8(at + 1) === PAYLOAD_SPECIFIC && length >= 12) {
      if (format === PLI) ssrcs.push(view.getUint32(at + 8));
      // Each entry of a FIR has an SSRC of its own, and four more bytes.
      if (format === FIR) for (let entry = at + 12; entry + 8 <= end; entry += 8) ssrcs.push(view.getUint32(entry));
    }
    at = end;
  }
  return ssrcs;
}
