// Entry of the dashboard: puts the app into the page. Nothing else happens here.
import { render } from 'preact';
import { App } from './shell/app.tsx';
import { restoreTheme } from './shell/theme.tsx';
import './styles/base.css';
import './styles/shell.css';
import './styles/kit.css';

const place = document.getElementById('app');
restoreTheme();
if (place) {
  place.replaceChildren();
  render(<App />, place);
}
