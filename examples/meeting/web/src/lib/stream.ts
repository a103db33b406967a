import type { Attachment } from 'svelte/attachments';

/** Shows one track in a video element, without sound: voices come from the audio slots. */
export function videoTrack(
  track: MediaStreamTrack | null,
  onFrame?: (video: HTMLVideoElement) => void,
): Attachment<HTMLVideoElement> {
  return (video) => {
    video.muted = true;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    void video.play().catch(() => undefined);
    let callback = 0;
    const seen = () => onFrame?.(video);
    if ('requestVideoFrameCallback' in video) callback = video.requestVideoFrameCallback(seen);
    else (video as HTMLVideoElement).addEventListener('playing', seen, { once: true });
    return () => {
      if (callback !== 0) video.cancelVideoFrameCallback(callback);
      video.srcObject = null;
    };
  };
}
