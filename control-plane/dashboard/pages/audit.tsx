// The audit: who did what, newest first, filtered by the address, with the result of the check of its chain.

import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import { actorText } from '../../../shared/protocol/audit-words.ts';
import { may } from '../../../shared/protocol/permissions.ts';
import { session } from '../api.ts';
import { useResource } from '../live/resource.ts';
import { Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import { Paging } from './parts/paging.tsx';
import { Scroll } from './parts/parts.tsx';
import { queryText, timeText } from './parts/words.ts';
import { type AuditRow, auditCommand, auditQuery, checkText, detailsText, FILTERS } from './settings/audit-words.ts';

type AuditList = { readonly rows: readonly AuditRow[]; readonly nextBeforeSeq?: number | null };

const CHECK_EVERY_MS = 60_000;

export function AuditPage() {
  const { query, route } = useLocation();
  const isNewest = query.before === undefined;
  const list = useResource(endpoint('GET /v1/audit', auditQuery(query)), isNewest ? [{ resource: 'audit' }] : []);
  const { value, problem, refresh } = list;
  const filter = (name: string, text: string): void =>
    route(`/audit${queryText({ ...query, before: '', [name]: text })}`, true);
  return (
    <div class="rest">
      <h1>Audit</h1>
      <ChainCheck />
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        {FILTERS.map(({ name, label, placeholder }) => (
          <label key={name}>
            {label}
            <input
              data-filter
              value={query[name] ?? ''}
              placeholder={placeholder}
              onChange={(event) => filter(name, event.currentTarget.value.trim())}
            />
          </label>
        ))}
        <small>
          read <Age atMs={list.readAtMs} />
        </small>
        <Export />
        <Cli command={auditCommand(query)} />
      </form>
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      {value === null ? <p>Reading …</p> : <Rows rows={value.rows} />}
      <Paging path="/audit" query={query} next={olderThan(list.value)} name="before" />
    </div>
  );
}

function ChainCheck() {
  const { value, problem, readAtMs, refresh } = useResource(endpoint('GET /v1/audit/verify'));
  const [, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      setTurn((before) => before + 1);
      refresh();
    }, CHECK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (problem !== null) return <Trouble problem={problem} retry={refresh} />;
  return (
    <p class={value?.kind === 'broken' ? 'verdict bad' : 'verdict'} aria-live="polite">
      {value === null ? 'Checking the chain …' : checkText(value)}{' '}
      <small>
        checked <Age atMs={readAtMs} />
      </small>
    </p>
  );
}

function Export() {
  const identity = session.value?.identity;
  const isAllowed =
    session.value === null || session.value.open || (identity !== undefined && may(identity, 'administer', '*'));
  if (!isAllowed) return <small class="why-not">Export is for who administers every site.</small>;
  return (
    <a href={endpoint('GET /v1/audit/export').path} download="belay-audit.ndjson">
      Export all
    </a>
  );
}

function Rows({ rows }: { readonly rows: readonly AuditRow[] }) {
  if (rows.length === 0)
    return (
      <Empty title="Nothing is on record here" command="belay audit list">
        <p>Every decision of Belay and every act of a person is written here. Take a filter away to see more.</p>
      </Empty>
    );
  return (
    <Scroll label="Audit, newest first" long>
      <thead>
        <tr>
          <th scope="col" class="number">
            No.
          </th>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">Did</th>
          <th scope="col">To</th>
          <th scope="col">Why</th>
          <th scope="col">Details</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.seq}>
            <td class="number" title={`hash ${row.hash}`}>
              {row.seq}
            </td>
            <td class="nowrap">{timeText(row.atMs)}</td>
            <td class="nowrap">{actorText(row)}</td>
            <td class="nowrap">{row.action}</td>
            <td>{row.subject}</td>
            <td>{row.reason}</td>
            <td>
              <details>
                <summary>show</summary>
                <pre>{detailsText(row)}</pre>
              </details>
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

/** Its pages begin at a number: a row has its place for ever. Null: there is nothing before. */
function olderThan(list: AuditList | null): string | null {
  const last = list?.rows.at(-1)?.seq;
  const next = list?.nextBeforeSeq === undefined ? last : list.nextBeforeSeq;
  return next != null && next > 1 ? String(next) : null;
}
