// Who is signed in here, with which rights, and one's own password.
import { endpoint } from '../../../../shared/protocol/address.ts';
import { describeGrants } from '../../../../shared/protocol/permissions.ts';
import { ask, session } from '../../api.ts';
import { Cli } from '../../shell/kit.tsx';
import { Facts, Panel } from '../parts/parts.tsx';
import { timeText } from '../parts/words.ts';
import { SmallForm } from './form.tsx';

export function You() {
  const known = session.value;
  if (known === null) return <p>Nobody is known to be signed in yet.</p>;
  const { identity, expiresAtMs, open } = known;
  return (
    <>
      <Panel title="Who you are">
        <Facts
          facts={[
            ['Name', identity.name],
            ['May', open ? 'everything: nobody has to sign in here (signIn: open)' : describeGrants(identity.grants)],
            ['Kill', identity.mayKill || open ? 'yes' : 'no'],
            ['Signed in until', timeText(expiresAtMs)],
          ]}
          empty=""
        />
        <Cli command="belay whoami" />
      </Panel>
      <Panel title="Your password">
        <SmallForm
          word="Change it"
          disabledBecause={identity.kind === 'person' ? null : 'Nobody with a password is signed in.'}
          fields={[
            { name: 'current', label: 'Now', type: 'password', autocomplete: 'current-password' },
            {
              name: 'password',
              label: 'New (12 letters or more)',
              type: 'password',
              autocomplete: 'new-password',
              min: 12,
            },
          ]}
          send={async ({ current = '', password = '' }) => {
            session.value = await ask(endpoint('PUT /v1/session/password'), { current, password });
          }}
        />
        <p>Every other session of yours ends with it.</p>
        <Cli command="belay account passwd" />
      </Panel>
    </>
  );
}
