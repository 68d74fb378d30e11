// A device in one line, and its numbers with their units. No DOM here.
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { CONDITIONS } from './conditions.ts';

export function tellDevice(device: LiveDevice): string {
  const { site, device: name, condition, because, hardwareClass, line } = device;
  const state = because === '' ? CONDITIONS[condition].word : `${CONDITIONS[condition].word}, ${because}`;
  const place = [line, hardwareClass].filter((part) => part !== null).join(', ');
  return `${site}/${name}: ${state}. ${[...tellNumbers(device), place].filter((part) => part !== '').join(' · ')}`;
}

function tellNumbers({ release, role, fps, p95Ms, temperatureC, batteryPct }: LiveDevice): readonly string[] {
  return [
    release === null
      ? 'no release known'
      : `${shortRelease(release)}${role === null || role === 'baseline' ? '' : ` (${role})`}`,
    ...(fps === null ? [] : [`${fps.toFixed(1)} fps`]),
    ...(p95Ms === null ? [] : [`p95 ${Math.round(p95Ms)} ms`]),
    ...(temperatureC === null ? [] : [`${Math.round(temperatureC)} °C`]),
    ...(batteryPct === null ? [] : [`battery ${Math.round(batteryPct)} %`]),
  ];
}

/** `cv-detector:2.0.0+data=b4f7a1` without what only machines tell apart. */
export function shortRelease(release: string): string {
  return release.replace(/\+data=.*$/, '');
}
