// Who runs which version, as shares of a bar, with the same in words below it.
import type { Share } from './counts.ts';
import { shortRelease } from './words.ts';

type BarProps = {
  readonly shares: readonly Share[];
  readonly total: number;
  readonly colourOf: (release: string | null) => string;
};

export function VersionBar({ shares, total, colourOf }: BarProps) {
  return (
    <div class="versions">
      <div class="bar" aria-hidden="true">
        {shares.map(({ release, devices }) => (
          <span key={release} style={{ flexGrow: devices, background: colourOf(release) }} />
        ))}
      </div>
      <ul>
        {shares.map(({ release, devices }) => (
          <li key={release} title={release ?? undefined}>
            <i style={{ background: colourOf(release) }} aria-hidden="true" />
            {release === null ? 'not known' : shortRelease(release)}{' '}
            <span class="soft">
              {devices} of {total}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
