// Entry of the dashboard: puts the app into the page. Nothing else happens here.
import { render } from 'preact';
import { KillPage, loadKill } from './pages.ts';
import { App } from './shell/app.tsx';
import { restoreTheme } from './shell/theme.tsx';
import './styles/base.css';
import './styles/shell.css';
import './styles/kit.css';
import './styles/kiosk.css';

const place = document.getElementById('app');
restoreTheme();
const isPlainAsked = new URLSearchParams(location.search).get('plain') === 'yes';
const start = (): void => {
  if (!place) return;
  place.replaceChildren();
  render(<App />, place);
};
// The server has drawn the kill page: its form stays until the code is here, and for good when that does not come.
const isKill = location.pathname === '/kill' || location.pathname.startsWith('/kill/');
if (!isKill) start();
else if (!isPlainAsked)
  loadKill()
    .then(() => KillPage.preload())
    .then(start, () => undefined);
