// One device: what it is, what it shall run and runs, how it did over time, what happened, and what can be done.
import { useLocation, useRoute } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { DeviceDocument } from '../../../shared/protocol/api-devices.ts';
import { asideOf } from '../../../shared/protocol/duty.ts';
import { ask } from '../api.ts';
import { type Resource, useResource } from '../live/resource.ts';
import { Action, Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import { Events, Hardware, Hindrances, Proofs, Releases, Sinks } from './device/device-facts.tsx';
import { Strips } from './device/device-strips.tsx';
import { rangeOf, whyNoLift } from './device/device-words.ts';
import { DutyActions } from './device/duty-actions.tsx';
import { LastFrame } from './device/last-frame.tsx';
import { Panel } from './parts/parts.tsx';

export function DevicePage() {
  const { site = '', device: name = '' } = useRoute().params;
  const { query } = useLocation();
  const address = `${site}/${name}`;
  const where = { site, device: name };
  const watches = [{ resource: 'device', id: address }] as const;
  const device = useResource(endpoint('GET /v1/devices/:site/:device', where), watches);
  const explained = useResource(endpoint('GET /v1/devices/:site/:device/explain', where), watches);
  const events = useResource(endpoint('GET /v1/devices/:site/:device/events', { ...where, limit: 50 }), watches);
  if (device.value === null) return <Missing address={address} device={device} />;
  const { value } = device;
  return (
    <div class="rest">
      <header class="page-head">
        <p class="crumbs">
          <a href="/">Fleet</a> / {site}
        </p>
        <h1>
          {address} <Online device={value} />
        </h1>
        <p class="verdict" aria-live="polite">
          {explained.value?.summary ?? 'Reading why …'}
        </p>
        <Actions device={value} address={address} refresh={device.refresh} />
      </header>
      <div class="columns">
        <Panel title="Over time" wide>
          <Strips where={where} range={rangeOf(query.range)} limits={value.desired?.limits ?? null} />
        </Panel>
        <Panel title="Releases" wide>
          <Releases device={value} />
        </Panel>
        <div class="stack">
          <Panel title="Why">
            <ul class="plain-list">
              {explained.value?.sentences.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
            {explained.problem === null ? null : <Trouble problem={explained.problem} retry={explained.refresh} />}
            <Cli command={`belay device explain ${address}`} />
          </Panel>
          <Panel title="Where its answers go">
            <Sinks reported={value.reported} events={events.value?.events ?? []} />
          </Panel>
        </div>
        <div class="stack">
          <Panel title="What hinders it">
            <Hindrances reported={value.reported} />
          </Panel>
          <Panel title="Hardware">
            <Hardware device={value} />
          </Panel>
          <Panel title="Proofs">
            <Proofs reported={value.reported} />
          </Panel>
        </div>
        <Panel title="What it sees" wide>
          <LastFrame device={value} />
        </Panel>
        <Panel title="Events" wide>
          {events.problem === null ? null : <Trouble problem={events.problem} retry={events.refresh} />}
          <Events events={events.value?.events ?? []} />
        </Panel>
      </div>
    </div>
  );
}

function Missing({ address, device }: { readonly address: string; readonly device: Resource<DeviceDocument> }) {
  if (device.problem === null) return <p>Reading {address} …</p>;
  if (device.problem.status !== 404) return <Trouble problem={device.problem} retry={device.refresh} />;
  return (
    <Empty title={`No device ${address} was ever heard`} command={`belay device credentials ${address}`}>
      <p>This gives its agent what it needs to connect.</p>
    </Empty>
  );
}

function Online({ device }: { readonly device: DeviceDocument }) {
  const aside = asideOf(device.duty);
  if (aside?.kind === 'retired') return <small class="chip">○ retired</small>;
  return (
    <small class={device.online ? 'chip good' : 'chip bad'}>
      {device.online ? '● online' : '○ offline'}, heard <Age atMs={device.lastSeenAtMs} />
      {aside === null ? '' : ` · ${aside.kind}`}
    </small>
  );
}

type ActionsProps = {
  readonly device: DeviceDocument;
  readonly address: string;
  readonly refresh: () => void;
};

function Actions({ device, address, refresh }: ActionsProps) {
  return (
    <div class="actions">
      <a class="button bad" href={`/kill?scope=${encodeURIComponent(`device:${address}`)}`}>
        Kill on this device …
      </a>
      <Action
        word="Lift quarantine"
        says={`Let everything out of quarantine on ${address}`}
        command={`belay device lift ${address} --reason REASON`}
        disabledBecause={whyNoLift(device)}
        run={(reason) =>
          ask(endpoint('POST /v1/devices/:site/:device/lift', { site: device.site, device: device.device }), { reason })
        }
      >
        <ul>
          {device.reported?.quarantine.map(({ release, reason }) => (
            <li key={release}>
              {release}: {reason}
            </li>
          ))}
        </ul>
      </Action>
      <DutyActions device={device} refresh={refresh} />
      <Cli command={`belay device get ${address}`} />
    </div>
  );
}
