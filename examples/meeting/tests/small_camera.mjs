/**
 * Gives a page a camera of 640x360 instead of 1280x720: the encoders and decoders of several people
 * share one small machine with everything else. Runs in the page, before its own scripts.
 */
export function smallCamera() {
  const devices = navigator.mediaDevices;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => {
    if (typeof wanted?.video !== 'object') return original(wanted);
    return original({ ...wanted, video: { ...wanted.video, width: { ideal: 640 }, height: { ideal: 360 } } });
  };
}
