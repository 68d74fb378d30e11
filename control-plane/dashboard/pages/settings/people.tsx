// Who may sign in, and what that allows where: listed, added, changed, disabled. Accounts are never deleted: the audit names them.
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { Account, AccountChangeBody } from '../../../../shared/protocol/api-identity.ts';
import { describeGrants } from '../../../../shared/protocol/permissions.ts';
import { ApiProblem, ask, session } from '../../api.ts';
import { useResource } from '../../live/resource.ts';
import { Action, Age, Cli, Trouble } from '../../shell/kit.tsx';
import { Panel, Scroll } from '../parts/parts.tsx';
import { SmallForm } from './form.tsx';
import { accountStanding, readGrants, whyNotRight, writeGrants } from './settings-words.ts';

type Values = Readonly<Record<string, string>>;

export function People() {
  const whyNot = whyNotRight(session.value, 'administer');
  const list = useResource(whyNot === null ? endpoint('GET /v1/accounts') : null, [{ resource: 'audit' }]);
  const refresh = (): void => list.refresh();
  const add = async ({ name = '', password = '', grants = '', reason = '' }: Values): Promise<void> => {
    await ask(endpoint('POST /v1/accounts'), { name, password, grants: grantsOf(grants), reason });
    refresh();
  };
  return (
    <>
      <Panel title="Add somebody" wide>
        <SmallForm
          word="Add"
          disabledBecause={whyNot}
          fields={[
            { name: 'name', label: 'Name', placeholder: 'on-call' },
            {
              name: 'password',
              label: 'First password (12 letters or more)',
              type: 'password',
              autocomplete: 'new-password',
              min: 12,
            },
            { name: 'grants', label: 'Roles', placeholder: 'operator@plant-a,plant-b viewer' },
            { name: 'reason', label: 'Reason' },
          ]}
          send={add}
        />
        <p>
          <b>viewer</b> looks, <b>operator</b> acts and kills, <b>approver</b> also agrees to what another person asked
          for, <b>admin</b> also manages people. A role alone is for every site; <code>operator@plant-a</code> for one.
        </p>
        <Cli command="belay account add NAME --grant operator@plant-a" />
      </Panel>
      <Panel title="People" wide>
        {list.problem === null ? null : <Trouble problem={list.problem} retry={refresh} />}
        {whyNot === null ? <AccountTable accounts={list.value?.accounts ?? null} refresh={refresh} /> : <p>{whyNot}</p>}
      </Panel>
    </>
  );
}

/** Throws ApiProblem with the mistake. */
function grantsOf(text: string): Account['grants'] {
  const read = readGrants(text);
  if (read.kind === 'grants') return read.grants;
  throw new ApiProblem(422, { title: 'The roles cannot be read', detail: read.says });
}

type TableProps = { readonly accounts: readonly Account[] | null; readonly refresh: () => void };

function AccountTable({ accounts, refresh }: TableProps) {
  if (accounts === null) return <p>Reading …</p>;
  if (accounts.length === 0) return <p>Nobody has an account yet; where nobody has to sign in, none is needed.</p>;
  return (
    <Scroll label="People">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Stands</th>
          <th scope="col">Roles</th>
          <th scope="col">Signed in</th>
          <th scope="col">Made by</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        {accounts.map((account) => (
          <tr key={account.name}>
            <th scope="row">{account.name}</th>
            <td class="nowrap">{accountStanding(account)}</td>
            <td>{describeGrants(account.grants)}</td>
            <td class="nowrap">
              <Age atMs={account.lastSignInAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </td>
            <td>{account.createdBy}</td>
            <td>
              <Changes account={account} refresh={refresh} />
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

function Changes({ account, refresh }: { readonly account: Account; readonly refresh: () => void }) {
  const { name, disabled, grants, mayKill } = account;
  const patch = (body: AccountChangeBody): Promise<void> =>
    ask(endpoint('PATCH /v1/accounts/:name', { name }), body).then(refresh);
  return (
    <details>
      <summary>change</summary>
      <SmallForm
        word="Set roles"
        fields={[
          { name: 'grants', label: `Roles of ${name}`, value: writeGrants(grants) },
          { name: 'reason', label: 'Reason' },
        ]}
        send={({ grants: text = '', reason = '' }) => patch({ grants: grantsOf(text), reason })}
      />
      <SmallForm
        word="Set password"
        fields={[
          {
            name: 'password',
            label: `New password of ${name}`,
            type: 'password',
            autocomplete: 'new-password',
            min: 12,
          },
          { name: 'reason', label: 'Reason' },
        ]}
        send={({ password = '', reason = '' }) => patch({ password, reason })}
      />
      <Action
        word={mayKill ? 'Take the kill right' : 'Give the kill right'}
        says={`${mayKill ? 'Take' : 'Give'} ${name} the kill right`}
        command={`belay account set ${name} ${mayKill ? '--no-kill' : '--kill'} --reason REASON`}
        disabledBecause={null}
        run={(reason) => patch({ mayKill: !mayKill, reason })}
      />
      <Action
        word={disabled ? 'Enable' : 'Disable'}
        says={disabled ? `Let ${name} sign in again` : `End every session and token of ${name}`}
        command={`belay account ${disabled ? 'enable' : 'disable'} ${name} --reason REASON`}
        disabledBecause={null}
        tone={disabled ? 'plain' : 'bad'}
        run={(reason) => patch({ disabled: !disabled, reason })}
      />
    </details>
  );
}
