/** Keeps the screen of a phone on during the meeting; returns how to stop. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let stopped = false;
  const acquire = async () => {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      const taken = await navigator.wakeLock.request('screen');
      if (stopped) void taken.release();
      else lock = taken;
    } catch {
      // A low battery refuses it, which is the person's own choice.
    }
  };
  // The browser drops the lock when the page is hidden.
  const visible = () => void acquire();
  document.addEventListener('visibilitychange', visible);
  void acquire();
  return () => {
    stopped = true;
    document.removeEventListener('visibilitychange', visible);
    void lock?.release();
  };
}
