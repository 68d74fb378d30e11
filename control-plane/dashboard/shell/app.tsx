// The frame around every page: navigation, kill button, state of the stream; and the router.

import { useEffect } from 'preact/hooks';
import { LocationProvider, Route, Router } from 'preact-iso';
import { startLive } from '../live/live.ts';
import { PAGES } from '../pages.ts';

export function App() {
  useEffect(() => startLive(), []);
  return (
    <LocationProvider>
      <main id="main">
        <Router>
          {PAGES.map(({ path, page }) => (
            <Route key={path} path={path} component={page} />
          ))}
        </Router>
      </main>
    </LocationProvider>
  );
}
