// Who is signed in, and the way out.
import { useEffect } from 'preact/hooks';
import { endpoint } from '../../../shared/protocol/address.ts';
import { ApiProblem, ask, session } from '../api.ts';

/** Reads it when the page opens; where nobody is signed in, `ask` goes to the sign-in page. */
function readSession(): void {
  ask(endpoint('GET /v1/session')).then(
    (read) => {
      session.value = read;
    },
    (error: unknown) => {
      // The stream's banner tells of a control plane that is away.
      if (!(error instanceof ApiProblem)) throw error;
    },
  );
}

export function Who() {
  useEffect(readSession, []);
  const known = session.value;
  if (known === null) return null;
  if (known.open)
    return (
      <span class="who" title="signIn is open: everybody who reaches this machine may do everything">
        open to all
      </span>
    );
  return (
    <a class="who" href="/settings" title={known.identity.grants.map(({ role }) => role).join(', ')}>
      {known.identity.name}
    </a>
  );
}
