// API tokens: made, shown this once, and revoked.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { ApiToken, TokenCreated } from '../../../../shared/protocol/api-identity.ts';
import { ApiProblem, ask, session } from '../../api.ts';
import { clockAheadMs } from '../../live/live.ts';
import { useResource } from '../../live/resource.ts';
import { Action, Age, Cli, Trouble } from '../../shell/kit.tsx';
import { Panel, Scroll } from '../parts/parts.tsx';
import { SmallForm } from './form.tsx';
import { readGrants, tokenStanding, whyNoToken, writeGrants } from './settings-words.ts';

export function Tokens() {
  const list = useResource(endpoint('GET /v1/tokens'), [{ resource: 'audit' }]);
  const [made, setMade] = useState<TokenCreated | null>(null);
  const make = async ({ name = '', grants = '', days = '' }: Readonly<Record<string, string>>): Promise<void> => {
    const read = grants === '' ? null : readGrants(grants);
    if (read?.kind === 'mistake') throw new ApiProblem(422, { title: 'The roles cannot be read', detail: read.says });
    const body = { name, days: Number(days), ...(read === null ? {} : { grants: read.grants }) };
    setMade(await ask(endpoint('POST /v1/tokens'), body));
    list.refresh();
  };
  return (
    <>
      <Panel title="Make a token" wide>
        <SmallForm
          word="Make it"
          disabledBecause={whyNoToken(session.value)}
          fields={[
            { name: 'name', label: 'What it is for' },
            { name: 'grants', label: 'Roles (empty: as yours)', placeholder: 'operator@plant-a', optional: true },
            { name: 'days', label: 'Days it holds', type: 'number', value: '90', min: 1 },
          ]}
          send={make}
        />
        {made === null ? null : (
          <div class="made" role="status">
            <p>
              <b>{made.name}</b>: copy it now. Only its hash is kept, so it is never shown again.
            </p>
            <Cli command={made.token} />
          </div>
        )}
        <Cli command={`belay token create "${made?.name ?? 'ci'}" --days 90`} />
      </Panel>
      <Panel title="Your tokens" wide>
        {list.problem === null ? null : <Trouble problem={list.problem} retry={list.refresh} />}
        <TokenTable tokens={list.value?.tokens ?? []} refresh={list.refresh} />
      </Panel>
    </>
  );
}

function TokenTable({ tokens, refresh }: { readonly tokens: readonly ApiToken[]; readonly refresh: () => void }) {
  if (tokens.length === 0) return <p>No token yet. The command line and other programs sign in with one.</p>;
  const nowMs = Date.now() + clockAheadMs.value;
  return (
    <Scroll label="Tokens">
      <thead>
        <tr>
          <th scope="col">For</th>
          <th scope="col">Roles</th>
          <th scope="col">Holds</th>
          <th scope="col">Used</th>
          <th scope="col">Made</th>
          <th scope="col">End it</th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <th scope="row">{token.name}</th>
            <td>{writeGrants(token.grants)}</td>
            <td class="nowrap">{tokenStanding(token, nowMs)}</td>
            <td class="nowrap">
              <Age atMs={token.lastUsedAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </td>
            <td class="nowrap">
              <Age atMs={token.createdAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </td>
            <td>
              <Action
                word="Revoke"
                says={`End the token "${token.name}" now`}
                command={`belay token revoke ${token.id}`}
                disabledBecause={null}
                tone="bad"
                run={() => ask(endpoint('DELETE /v1/tokens/:id', { id: token.id })).then(refresh)}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}
