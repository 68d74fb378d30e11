// The kill page with scripts. Small on purpose, and it waits for nothing: no stream, no chart, no other request.
import { useRoute } from 'preact-iso';
import '../styles/kill.css';
import { KillForm } from './kill/kill-form.tsx';
import { KillProgressView } from './kill/kill-progress.tsx';

export function KillPage() {
  const { id } = useRoute().params;
  return <div class="kill">{id === undefined ? <KillForm /> : <KillProgressView key={id} id={id} />}</div>;
}
