// What the page says, from what the agent knows. Pure.
import { oneLine } from '../../shared/basics/one-line.ts';
import { reportOf } from '../core/explain.ts';
import type { CoreState } from '../core/state.ts';
import { describeSensors } from '../sensors/describe-sensors.ts';
import type { SinkReport } from '../sinks/sinks.ts';
import type { PageCamera, PageFacts } from './page.ts';

/** A reason may come from anywhere. */
const SENTENCE_CHARS_MAX = 500;

export type KnownFacts = {
  readonly site: string;
  readonly device: string;
  readonly wallNowMs: number;
  /** Monotonic. */
  readonly nowMs: number;
  readonly state: CoreState;
  readonly sinks: readonly SinkReport[];
  readonly cameras: readonly Pick<PageCamera, 'cameraId' | 'rates' | 'picture'>[];
};

export function pageFactsOf({ site, device, wallNowMs, nowMs, state, sinks, cameras }: KnownFacts): PageFacts {
  const report = reportOf(state, nowMs);
  const { candidate } = report;
  return {
    title: `${site}/${device}`,
    nowMs: wallNowMs,
    phase: report.phase,
    serving: report.serving?.release ?? null,
    because: report.servingBecause,
    candidate: candidate && `${candidate.release}, shall ${candidate.role}: ${candidate.state}`,
    committed: report.committed?.release ?? 'none',
    sensors: state.sensors === null ? 'not read yet' : describeSensors(state.sensors),
    troubles: [
      ...report.kills.map(({ id, reason }) => `kill ${id}: ${reason}`),
      ...report.quarantine.map(({ release, kind, reason }) => `quarantine of ${release} (${kind}): ${reason}`),
      ...report.blocked.map(({ kind, reason }) => `blocked (${kind}): ${reason}`),
      ...sinks.flatMap(({ sink, trouble }) => (trouble === null ? [] : [`answers to ${sink}: ${trouble}`])),
    ].map((trouble) => oneLine(trouble, SENTENCE_CHARS_MAX)),
    cameras: cameras.map((camera) => ({ ...camera, ...cameraState(state, camera.cameraId) })),
  };
}

function cameraState(state: CoreState, cameraId: string): Pick<PageCamera, 'isLost' | 'isHealthy'> {
  const known = state.cameras.get(cameraId);
  return { isLost: known?.lost ?? false, isHealthy: known?.healthy ?? null };
}
