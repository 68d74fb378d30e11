// When a rollout that goes back, or commits, has come to its end.
import { describe, expect, it } from 'vitest';
import { type EndingDevice, judgeRollback } from '../../../control-plane/core/finish.ts';
import type { ReleaseRef } from '../../../shared/protocol/documents.ts';
import { type Reported, reportedSchema } from '../../../shared/protocol/reports.ts';

const refOf = (name: string): ReleaseRef => ({ release: 'cv-detector:1.0.0+data=b4f7a1', digest: name.repeat(64) });
const OLD = refOf('a');
const NEW = refOf('b');
const FACTORY = refOf('f');

type Said = {
  readonly serving: ReleaseRef;
  readonly committed?: ReleaseRef;
  readonly candidate?: ReleaseRef;
  readonly hasFailed?: boolean;
};

function reportOf({ serving, committed = OLD, candidate, hasFailed = false }: Said): Reported {
  return reportedSchema.parse({
    v: 1,
    site: 'plant-1',
    device: 'device-1',
    boot: 'boot-0001',
    atMs: 1,
    agentVersion: '1',
    hardwareClass: 'linux-x64',
    line: null,
    generation: 1,
    killEpoch: 0,
    phase: 'baseline',
    serving,
    servedFrames: 12,
    servingBecause: 'a test says so',
    committed,
    previous: null,
    candidate: candidate ? { ...candidate, role: 'serve', state: 'ready' } : null,
    mode: 'warm',
    provider: null,
    proofs: [],
    quarantine: [],
    kills: [],
    blocked: hasFailed ? [{ kind: 'baseline-failed', reason: 'its runner ended again and again', sinceMs: 1 }] : [],
  });
}

function judge(said: Said): boolean {
  const device: EndingDevice = {
    device: 'device-1',
    online: true,
    reported: reportOf(said),
    baseline: OLD,
    isReverted: false,
  };
  return judgeRollback([device], NEW.digest).isDone;
}

describe('judgeRollback', () => {
  it('waits until the release from before answers', () => {
    expect(judge({ serving: OLD })).toBe(true);
    expect(judge({ serving: NEW, candidate: NEW })).toBe(false);
    expect(judge({ serving: OLD, candidate: NEW })).toBe(false);
  });

  it('does not wait for a release from before that has failed or is killed: its fallback answers', () => {
    expect(judge({ serving: FACTORY, hasFailed: true })).toBe(true);
    expect(judge({ serving: FACTORY })).toBe(false);
  });

  it('waits for a device that has committed the candidate, whatever answers there now', () => {
    expect(judge({ serving: NEW, committed: NEW })).toBe(false);
    expect(judge({ serving: FACTORY, committed: NEW, hasFailed: true })).toBe(false);
  });
});
