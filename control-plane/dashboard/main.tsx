// Entry of the dashboard: puts the app into the page. Nothing else happens here.
import { render } from 'preact';
import { App } from './shell/app.tsx';
import './styles/base.css';

const place = document.getElementById('app');
if (place) {
  place.replaceChildren();
  render(<App />, place);
}
