// The fleet wall: in a sentence how it stands, then what needs somebody, then every device by factory and hardware.
import { useLocation } from 'preact-iso';
import { Age, Cli, Empty } from '../shell/kit.tsx';
import { LIVE_CONDITIONS } from './fleet/condition-names.ts';
import { CONDITIONS, shapeOf } from './fleet/conditions.ts';
import { countConditions, countFactories } from './fleet/counts.ts';
import { DeviceList } from './fleet/device-list.tsx';
import { FactoryCard } from './fleet/factory-card.tsx';
import { addressOf, type Filter, isShown, readFilter } from './fleet/filter.ts';
import { Filters } from './fleet/filters.tsx';
import { releaseColours } from './fleet/release-colours.ts';
import { type Fleet, isGoingOn, lastEnded, type Need, needsOf, summarySentence } from './fleet/summary.ts';
import { useFleet } from './fleet/use-fleet.ts';
import { shortRelease } from './fleet/words.ts';
import '../styles/fleet.css';

export function FleetPage() {
  const { query } = useLocation();
  const fleet = useFleet();
  const filter = readFilter(query);
  if (fleet === null) return <p class="soft">Reading the fleet …</p>;
  if (fleet.devices.length === 0) return <NoDevices />;
  const shown = fleet.devices.filter((device) => isShown(filter, device));
  const needs = needsOf(fleet);
  return (
    <>
      <h1 aria-live="polite">{summarySentence(fleet, needs)}</h1>
      <Needs needs={needs} />
      <Rolling fleet={fleet} />
      {filter.isKiosk ? null : <Filters filter={filter} devices={fleet.devices} shown={shown.length} />}
      {shown.length === 0 ? (
        <Empty title="No device is like that">
          <p>
            <a href="/">Show the whole fleet</a>
          </p>
        </Empty>
      ) : filter.view === 'list' ? (
        <DeviceList devices={shown} filter={filter} />
      ) : (
        <Wall fleet={{ ...fleet, devices: shown }} filter={filter} />
      )}
    </>
  );
}

function Wall({ fleet, filter }: { readonly fleet: Fleet; readonly filter: Filter }) {
  const colourOf = releaseColours(fleet.devices);
  return (
    <>
      <div class="factories">
        {countFactories(fleet.devices).map((factory) => (
          <FactoryCard key={factory.site} factory={factory} filter={filter} colourOf={colourOf} />
        ))}
      </div>
      {filter.isKiosk ? null : <Legend fleet={fleet} filter={filter} />}
    </>
  );
}

function Needs({ needs }: { readonly needs: readonly Need[] }) {
  if (needs.length === 0) return null;
  return (
    <ul class="needs" aria-label="What needs you, worst first">
      {needs.map(({ key, kind, text, href }) => (
        <li key={key} class={kind}>
          <span class="kind">{kind === 'act' ? 'needs you' : 'look'}</span> <a href={href}>{text}</a>
        </li>
      ))}
    </ul>
  );
}

function Rolling({ fleet }: { readonly fleet: Fleet }) {
  const going = fleet.rollouts.filter(isGoingOn);
  const last = lastEnded(fleet);
  if (last !== null)
    return (
      <p class="soft">
        Last rollout: <a href={`/rollouts/${encodeURIComponent(last.id)}`}>{last.name}</a>{' '}
        {shortRelease(last.candidate.release)}, {last.state.replaceAll('_', ' ')}{' '}
        <Age atMs={last.endedAtMs} staleMs={Number.POSITIVE_INFINITY} />: {last.status}
      </p>
    );
  if (going.length === 0) return null;
  return (
    <ul class="rolling" aria-label="Rollouts">
      {going.map(({ id, name, candidate, stage, stageIndex, stageCount, status, state }) => (
        <li key={id}>
          <a href={`/rollouts/${encodeURIComponent(id)}`}>{name}</a>{' '}
          <span title={candidate.release}>{shortRelease(candidate.release)}</span>{' '}
          <span class="ladder" role="img" aria-label={`Stage ${stageIndex + 1} of ${stageCount}`}>
            {Array.from({ length: stageCount }, (_, at) => (
              <i key={at} class={at < stageIndex ? 'done' : at === stageIndex ? 'now' : ''} />
            ))}
          </span>{' '}
          <strong>{stage}</strong> <span class="soft">{state.replace('_', ' ')}</span> <span>{status}</span>
        </li>
      ))}
    </ul>
  );
}

function Legend({ fleet, filter }: { readonly fleet: Fleet; readonly filter: Filter }) {
  const counts = countConditions(fleet.devices);
  return (
    <ul class="legend" aria-label="What the marks mean">
      {LIVE_CONDITIONS.map((condition) => {
        const { word, means, colour } = CONDITIONS[condition];
        return (
          <li key={condition} title={means}>
            <span
              class="shape"
              aria-hidden="true"
              style={{ clipPath: shapeOf(condition), background: `var(${colour})` }}
            />
            <a href={addressOf({ ...filter, condition })}>{word}</a>{' '}
            <span class="soft">{counts.get(condition) ?? 0}</span>
          </li>
        );
      })}
      <li>
        <span class="shape on-trial" aria-hidden="true" /> <span class="soft">underlined: on trial</span>
      </li>
    </ul>
  );
}

function NoDevices() {
  return (
    <Empty title="No device has connected yet">
      <p>
        Belay shows every device here as soon as it connects. To see a whole fleet at work on this machine, with a bad
        model that is caught and taken back:
      </p>
      <p>
        <Cli command="belay demo" />
      </p>
      <p>For a device of your own, make its password and trust file, then start its agent with them:</p>
      <p>
        <Cli command="belay device credentials SITE/DEVICE --write FOLDER" />
      </p>
    </Empty>
  );
}
