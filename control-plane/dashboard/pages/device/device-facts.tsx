// The parts of the device page that are facts: releases, hardware, proofs, what hinders it, where its answers go, its events.
import type { DeviceDocument, StoredEvent } from '../../../../shared/protocol/api-devices.ts';
import type { Reported } from '../../../../shared/protocol/reports.ts';
import { Age } from '../../shell/kit.tsx';
import { Facts, Scroll } from '../parts/parts.tsx';
import { eventText, hardwareFacts, isBad, releaseRows } from './device-words.ts';

const FOR_EVER = Number.POSITIVE_INFINITY;

export function Releases({ device }: { readonly device: DeviceDocument }) {
  return (
    <Scroll label="Releases: assigned, running, committed">
      <thead>
        <tr>
          <th scope="col">Which</th>
          <th scope="col">Release</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {releaseRows(device).map(({ what, release, says }) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td class="nowrap">
              {release === 'none' ? '–' : <a href={`/models/${encodeURIComponent(release)}`}>{release}</a>}
            </td>
            <td>{says}</td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

export function Hardware({ device }: { readonly device: DeviceDocument }) {
  return <Facts facts={hardwareFacts(device)} empty="It has not said what it is made of." />;
}

export function Hindrances({ reported }: { readonly reported: Reported | null }) {
  const blocked = reported?.blocked ?? [];
  const quarantine = reported?.quarantine ?? [];
  if (blocked.length === 0 && quarantine.length === 0) return <p>Nothing hinders it.</p>;
  return (
    <ul class="plain-list">
      {blocked.map(({ kind, reason, sinceMs }) => (
        <li key={kind + sinceMs}>
          <strong class="warn">! {kind}</strong> {reason} <Age atMs={sinceMs} staleMs={FOR_EVER} />
        </li>
      ))}
      {quarantine.map(({ release, kind, reason, sinceMs }) => (
        <li key={release}>
          <strong class="bad">✕ quarantine: {release}</strong> {kind}: {reason}{' '}
          <Age atMs={sinceMs} staleMs={FOR_EVER} />
        </li>
      ))}
    </ul>
  );
}

export function Proofs({ reported }: { readonly reported: Reported | null }) {
  const proofs = reported?.proofs ?? [];
  if (proofs.length === 0) return <p>It has proved no release yet.</p>;
  return (
    <Scroll label="Proofs on golden frames">
      <thead>
        <tr>
          <th scope="col">Release</th>
          <th scope="col">Result</th>
          <th scope="col" class="number">
            Frames
          </th>
          <th scope="col" class="number">
            Cold start
          </th>
          <th scope="col">When</th>
        </tr>
      </thead>
      <tbody>
        {proofs.map((proof) => (
          <tr key={proof.digest + proof.atMs}>
            <td>{proof.release}</td>
            <td>
              <span class={proof.passed ? 'good' : 'bad'}>{proof.passed ? '✓ passed' : `✕ ${proof.reason}`}</span>
            </td>
            <td class="number">{proof.frames}</td>
            <td class="number">{Math.round(proof.coldStartMs)} ms</td>
            <td class="nowrap">
              <Age atMs={proof.atMs} staleMs={FOR_EVER} />
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

export function Sinks({ reported }: { readonly reported: Reported | null }) {
  const sinks = reported?.sinks ?? [];
  if (sinks.length === 0) return <p>It hands its answers to nobody.</p>;
  return (
    <ul class="plain-list">
      {sinks.map(({ sink, sent, dropped, trouble }) => (
        <li key={sink}>
          <b>{sink}</b>: {sent} handed over, {Object.values(dropped).reduce((sum, count) => sum + count, 0)} lost
          {trouble === null ? null : <strong class="warn"> ! {trouble}</strong>}
        </li>
      ))}
    </ul>
  );
}

export function Events({ events }: { readonly events: readonly StoredEvent[] }) {
  if (events.length === 0) return <p>It has told of no event yet.</p>;
  return (
    <Scroll label="Events, newest first">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Event</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {events.map((stored) => (
          <tr key={stored.id}>
            <td class="nowrap">
              <Age atMs={stored.receivedAtMs} staleMs={FOR_EVER} />
            </td>
            <td class="nowrap">
              <span class={isBad(stored) ? 'bad' : ''}>
                {isBad(stored) ? '! ' : ''}
                {stored.event.kind}
              </span>
            </td>
            <td>
              {stored.event.release === undefined ? null : <b>{stored.event.release} </b>}
              {eventText(stored.event)}
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}
