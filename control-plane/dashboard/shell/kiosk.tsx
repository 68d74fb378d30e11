// The fleet on a screen on the wall (`/?kiosk=1`): large, without controls, awake as long as the browser allows it.
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ServerClock } from './stream-banner.tsx';

export function useKiosk(): boolean {
  const { path, query } = useLocation();
  const isKiosk = path === '/' && query.kiosk === '1';
  useEffect(() => {
    document.documentElement.classList.toggle('kiosk', isKiosk);
  }, [isKiosk]);
  return isKiosk;
}

/** The time of the control plane, and a word when the screen may go dark. */
export function KioskFoot() {
  const [isAwake, setAwake] = useState<boolean | null>(null);
  useEffect(() => keepAwake(setAwake), []);
  return (
    <footer class="kiosk-foot">
      <ServerClock />
      {isAwake === false ? <span>This browser may let the screen go dark: set its power saving to never.</span> : null}
    </footer>
  );
}

/** A lock ends when the page is hidden, and is asked for again when it is seen. Browsers give it over HTTPS or on this machine. */
function keepAwake(tell: (isAwake: boolean) => void): () => void {
  let lock: WakeLockSentinel | null = null;
  let isOver = false;
  const look = async (): Promise<void> => {
    if (document.hidden) return;
    try {
      lock = await navigator.wakeLock.request('screen');
      if (isOver) await lock.release();
      else tell(true);
    } catch {
      if (!isOver) tell(false);
    }
  };
  void look();
  document.addEventListener('visibilitychange', look);
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', look);
    void lock?.release();
  };
}
