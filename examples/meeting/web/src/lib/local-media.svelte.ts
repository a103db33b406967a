/**
 * The camera and the microphone of this person, from the lobby to the end of the meeting:
 * which devices there are, which are in use, and what went wrong. Whoever sends the tracks
 * sets `onTrack`.
 */

import { deviceFault, deviceProblem, type DeviceKind, type DeviceProblem } from './device-errors';
import { MicMonitor } from './mic-monitor';
import { preferences } from './preferences.svelte';

type Track = MediaStreamTrack | null;

export class LocalMedia {
  microphone: Track = $state.raw(null);
  camera: Track = $state.raw(null);
  /** What the person wants; a muted microphone keeps its track, a camera that is off has none. */
  micOn = $state(preferences.values.micOn);
  cameraOn = $state(preferences.values.cameraOn);
  problems: Record<DeviceKind, DeviceProblem | null> = $state({ camera: null, microphone: null });
  devices: MediaDeviceInfo[] = $state.raw([]);
  /** Devices are being asked for; the browser may be showing its question. */
  asking = $state(false);
  onTrack: (kind: DeviceKind, track: Track) => void = () => undefined;
  onNotice: (text: string) => void = () => undefined;

  readonly monitor = new MicMonitor();
  /** Counts the requests for each, so that only the latest one's track is used. */
  #requests: Record<DeviceKind, number> = { camera: 0, microphone: 0 };
  #pending: Record<DeviceKind, boolean> = { camera: false, microphone: false };
  #closed = false;

  /** Asks for both at once, so that the browser asks once; without one, for the other. */
  async start(): Promise<void> {
    navigator.mediaDevices?.addEventListener('devicechange', this.#devicesChanged);
    this.asking = true;
    try {
      if (this.cameraOn) await this.#startBoth();
      else await this.#acquire('microphone');
    } finally {
      this.asking = false;
    }
    await this.refreshDevices();
  }

  list(kind: MediaDeviceKind): MediaDeviceInfo[] {
    return this.devices.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  async setMic(on: boolean): Promise<void> {
    this.micOn = on;
    preferences.set('micOn', on);
    if (on && !this.microphone) await this.#acquire('microphone');
    if (this.microphone) this.microphone.enabled = this.micOn;
  }

  async setCamera(on: boolean): Promise<void> {
    this.cameraOn = on;
    preferences.set('cameraOn', on);
    if (!on) {
      this.problems.camera = null;
      this.#use('camera', null);
    } else if (!this.camera) {
      await this.#acquire('camera');
    }
  }

  async retry(kind: DeviceKind): Promise<void> {
    await (kind === 'camera' ? this.setCamera(true) : this.setMic(true));
  }

  async select(kind: DeviceKind, deviceId: string): Promise<void> {
    preferences.set(kind, deviceId);
    if (kind === 'microphone' || this.cameraOn) await this.#acquire(kind);
  }

  /** It is on, or will be as soon as the device has answered. */
  wants(kind: DeviceKind): boolean {
    const [on, track] = kind === 'camera' ? [this.cameraOn, this.camera] : [this.micOn, this.microphone];
    return on && (track !== null || this.#pending[kind]);
  }

  /** The device in use, or the remembered one. */
  selected(kind: DeviceKind): string {
    const track = kind === 'camera' ? this.camera : this.microphone;
    return track?.getSettings().deviceId ?? preferences.values[kind];
  }

  async refreshDevices(): Promise<void> {
    this.devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  }

  close(): void {
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    this.#use('camera', null);
    this.#use('microphone', null);
    this.monitor.close();
  }

  async #startBoth(): Promise<void> {
    try {
      const stream = await open(['microphone', 'camera']);
      this.#use('microphone', stream.getAudioTracks()[0] ?? null);
      this.#use('camera', stream.getVideoTracks()[0] ?? null);
    } catch {
      await this.#acquire('microphone');
      await this.#acquire('camera');
    }
  }

  async #acquire(kind: DeviceKind): Promise<void> {
    this.#requests[kind] += 1;
    const request = this.#requests[kind];
    this.#pending[kind] = true;
    try {
      const stream = await open([kind]);
      const [track] = stream.getTracks();
      if (request !== this.#requests[kind]) return track?.stop();
      this.#use(kind, track ?? null);
      void this.refreshDevices();
    } catch (error) {
      if (request !== this.#requests[kind]) return;
      const fault = navigator.mediaDevices ? deviceFault(error) : 'insecure';
      this.#use(kind, null);
      this.problems[kind] = deviceProblem(kind, fault);
    } finally {
      if (request === this.#requests[kind]) this.#pending[kind] = false;
    }
  }

  #use(kind: DeviceKind, track: Track): void {
    const old = kind === 'camera' ? this.camera : this.microphone;
    if (old && old !== track) {
      old.onended = null;
      old.stop();
    }
    if (track) {
      const wanted = !this.#closed && (kind === 'microphone' || this.cameraOn);
      if (!wanted) {
        track.stop();
        return;
      }
      this.problems[kind] = null;
      track.onended = () => this.#lost(kind, track);
      if (kind === 'microphone') track.enabled = this.micOn;
    }
    if (kind === 'camera') this.camera = track;
    else {
      this.microphone = track;
      this.monitor.watch(track);
    }
    this.onTrack(kind, track);
  }

  /** A device was pulled out or taken away: go on with another one if there is one. */
  #lost(kind: DeviceKind, track: MediaStreamTrack): void {
    if ((kind === 'camera' ? this.camera : this.microphone) !== track) return;
    this.onNotice(kind === 'camera' ? 'The camera was disconnected' : 'The microphone was disconnected');
    void this.#acquire(kind);
  }

  #devicesChanged = (): void => {
    const known = new Set(this.devices.map((device) => device.deviceId));
    void this.refreshDevices().then(() => {
      const added = this.devices.find(
        ({ deviceId, kind, label }) =>
          !known.has(deviceId) && kind === 'audioinput' && label !== '' && !isAlias(deviceId),
      );
      if (added && known.size > 0) this.onNotice(`${added.label} is now available`);
      if (this.micOn && !this.microphone) void this.#acquire('microphone');
    });
  };
}

function isAlias(deviceId: string): boolean {
  return deviceId === 'default' || deviceId === 'communications';
}

async function open(kinds: DeviceKind[]): Promise<MediaStream> {
  const { camera, microphone } = preferences.values;
  // `ideal`, not `exact`: a remembered device that is gone must not stand in the way.
  return navigator.mediaDevices.getUserMedia({
    video: kinds.includes('camera') && {
      ...(camera === '' ? {} : { deviceId: { ideal: camera } }),
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
    },
    audio: kinds.includes('microphone') && {
      ...(microphone === '' ? {} : { deviceId: { ideal: microphone } }),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    },
  });
}
