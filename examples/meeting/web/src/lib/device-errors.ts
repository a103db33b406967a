/** Why a camera or microphone could not be had, and what the person can do about it. */

export type DeviceKind = 'camera' | 'microphone';
export type DeviceFault = 'denied' | 'denied-by-system' | 'missing' | 'busy' | 'insecure' | 'unknown';

export interface DeviceProblem {
  fault: DeviceFault;
  title: string;
  hint: string;
}

export function deviceFault(error: unknown): DeviceFault {
  const { name, message } = error instanceof Error ? error : { name: '', message: '' };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return /system/i.test(message) ? 'denied-by-system' : 'denied';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
    case 'TrackStartError':
      return 'busy';
    default:
      return 'unknown';
  }
}

export function deviceProblem(kind: DeviceKind, fault: DeviceFault): DeviceProblem {
  const Kind = kind === 'camera' ? 'Camera' : 'Microphone';
  switch (fault) {
    case 'denied':
      return {
        fault,
        title: `${Kind} is blocked`,
        hint: `Allow the ${kind} for this page with the icon beside the address, then try again.`,
      };
    case 'denied-by-system':
      return {
        fault,
        title: `${Kind} is blocked by your system`,
        hint: `Allow your browser to use the ${kind} in the privacy settings of your system.`,
      };
    case 'missing':
      return {
        fault,
        title: `No ${kind} found`,
        hint: `Connect a ${kind} and try again, or join without one.`,
      };
    case 'busy':
      return {
        fault,
        title: `${Kind} is in use`,
        hint: 'Another program may be using it. Close that program and try again.',
      };
    case 'insecure':
      return {
        fault,
        title: `${Kind} needs a secure page`,
        hint: 'Browsers give devices to pages under https:// (or localhost) only.',
      };
    case 'unknown':
      return { fault, title: `${Kind} did not start`, hint: 'Try again, or choose another device.' };
  }
}
