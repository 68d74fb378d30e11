// One factory: its devices as marks by hardware class, who runs which version, and what is wrong there.
import { Component } from 'preact';
import { CanvasMarks } from './canvas-marks.tsx';
import { LIVE_CONDITIONS } from './condition-names.ts';
import { CONDITIONS } from './conditions.ts';
import type { FactoryCounts } from './counts.ts';
import { addressOf, type Filter } from './filter.ts';
import { Marks } from './marks.tsx';
import { counted } from './summary.ts';
import { VersionBar } from './version-bar.tsx';

/** Above this many marks of one kind they are drawn instead of laid out. */
const ELEMENTS_MAX = 400;

type CardProps = {
  readonly factory: FactoryCounts;
  readonly filter: Filter;
  /** The same colour for a release in every factory. */
  readonly colourOf: (release: string | null) => string;
};

export function FactoryCard({ factory, filter, colourOf }: CardProps) {
  const { site, devices, online, onTrial, hardware, releases, byCondition } = factory;
  const offline = devices - online;
  return (
    <article class="factory" aria-labelledby={`factory-${site}`}>
      <h2 id={`factory-${site}`}>
        <a href={addressOf({ ...filter, site: filter.site === site ? '' : site })}>{site}</a>
        <span class="soft">
          {' '}
          {online} of {devices} online
          {onTrial === 0 ? '' : `, ${onTrial} on trial`}
        </span>
      </h2>
      <VersionBar shares={releases} total={devices} colourOf={colourOf} />
      {hardware.map(({ hardwareClass, ids }) => (
        <div class="hardware" key={hardwareClass}>
          <h3>
            {hardwareClass} <span class="soft">{ids.length}</span>
          </h3>
          <SameMarks ids={ids} label={`${site}, ${hardwareClass}: ${counted(ids.length, 'device', 'devices')}`} />
        </div>
      ))}
      <p class="worst">
        {LIVE_CONDITIONS.filter((condition) => condition !== 'ok' && byCondition.has(condition)).map((condition) => (
          <a key={condition} href={addressOf({ ...filter, site, condition, view: 'list' })}>
            {byCondition.get(condition)} {CONDITIONS[condition].word}
          </a>
        ))}
        {factory.worst === null ? (
          <span class="soft">{offline === 0 ? 'all as it should be' : ''}</span>
        ) : (
          <a href={`/devices/${factory.worst.site}/${factory.worst.device}`} class="soft">
            {factory.worst.device}: {factory.worst.because}
          </a>
        )}
      </p>
    </article>
  );
}

type SameProps = { readonly ids: readonly string[]; readonly label: string };

/** Marks draw themselves: counts that change around them are none of their business. */
class SameMarks extends Component<SameProps> {
  override shouldComponentUpdate({ ids }: SameProps): boolean {
    return !isSame(this.props.ids, ids);
  }

  override render({ ids, label }: SameProps) {
    return ids.length > ELEMENTS_MAX ? <CanvasMarks ids={ids} label={label} /> : <Marks ids={ids} label={label} />;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}
