// The frame around every page: navigation, kill button, who is signed in, how fresh the numbers are; and the router.
import { useEffect, useState } from 'preact/hooks';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { startLive } from '../live/live.ts';
import { loadKill, PAGES } from '../pages.ts';
import { Boundary } from './boundary.tsx';
import { Keyboard } from './keyboard.tsx';
import { KioskFoot, useKiosk } from './kiosk.tsx';
import { NotFoundPage } from './not-found.tsx';
import { ServerClock, StreamBanner } from './stream-banner.tsx';
import { ThemeButton } from './theme.tsx';
import { Toasts } from './toasts.tsx';
import { Who } from './who.tsx';

export function App() {
  useEffect(startLive, []);
  return (
    <LocationProvider>
      <Frame />
    </LocationProvider>
  );
}

function Frame() {
  const isKiosk = useKiosk();
  return (
    <>
      {isKiosk ? null : (
        <a class="skip" href="#main">
          Skip to the page
        </a>
      )}
      {isKiosk ? null : <Header />}
      <StreamBanner />
      <main id="main" tabIndex={-1}>
        <Boundary>
          <Router onRouteChange={arrive}>
            {PAGES.map(({ path, page }) => (
              <Route key={path} path={path} component={page} />
            ))}
            <Route default component={NotFoundPage} />
          </Router>
        </Boundary>
      </main>
      {isKiosk ? <KioskFoot /> : <Toasts />}
      {isKiosk ? null : <Keyboard />}
    </>
  );
}

function Header() {
  const { path } = useLocation();
  useEffect(() => {
    document.title = `${titleOf(path)} · Belay`;
  }, [path]);
  const section = `/${path.split('/')[1] ?? ''}`;
  return (
    <header>
      <a class="brand" href="/" aria-label="Belay: the fleet">
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span>Belay</span>
      </a>
      <nav aria-label="Pages">
        {PAGES.flatMap(({ path: to, menu }) =>
          menu
            ? [
                <a key={to} href={to} aria-current={to === section ? 'page' : undefined}>
                  {menu.word}
                </a>,
              ]
            : [],
        )}
      </nav>
      <div class="corner">
        <ServerClock />
        <ThemeButton />
        <button type="button" class="quiet" onClick={showHelp} aria-label="Keys and help" title="Keys (?)">
          ?
        </button>
        <Who />
      </div>
      <KillLink />
    </header>
  );
}

/** Within this page once its code is here; before, a whole new page, which works with nothing but the server. */
function KillLink() {
  const [isReady, setReady] = useState(false);
  const reach = (): void => {
    loadKill().then(
      () => setReady(true),
      () => undefined,
    );
  };
  return (
    <a class="kill" href="/kill" target={isReady ? undefined : '_top'} onPointerEnter={reach} onFocus={reach}>
      <span aria-hidden="true">■</span> Kill
    </a>
  );
}

function showHelp(): void {
  document.querySelector<HTMLDialogElement>('#help')?.showModal();
}

/** After a way from one page to another, a reader's place is the new page's top. */
let hasArrived = false;
function arrive(): void {
  if (hasArrived) document.getElementById('main')?.focus({ preventScroll: true });
  hasArrived = true;
}

function titleOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const fits = (pattern: string): boolean => {
    const wanted = pattern.split('/').filter((part) => part !== '');
    return wanted.length === parts.length && wanted.every((part, at) => part.startsWith(':') || part === parts[at]);
  };
  const title = PAGES.find((page) => fits(page.path))?.title ?? 'No such page';
  const named = parts.length > 1 ? `${parts.slice(1).map(decodeURIComponent).join('/')} · ` : '';
  return `${named}${title}`;
}
