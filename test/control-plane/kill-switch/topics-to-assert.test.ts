// Which kill documents are sent again and again: whoever missed a clearing must learn of it without a new connection.
import { describe, expect, it } from 'vitest';
import { type KillRecord, topicOfScope, topicsToAssert } from '../../../control-plane/kill-switch/kill-records.ts';
import type { KillScope } from '../../../shared/protocol/documents.ts';

const HOUR_MS = 3_600_000;

function record(scope: KillScope, epoch: number, clearedAtMs: number | null): KillRecord {
  const words = { id: `k-${epoch}`, reason: 'smoke', actor: 'on-call', epoch, raisedAtMs: 1, recipients: [] };
  const cleared = clearedAtMs === null ? null : { atMs: clearedAtMs, by: 'on-call', reason: 'over', epoch: epoch + 10 };
  return { ...words, scope, topic: topicOfScope(scope), cleared };
}

describe('the topics to assert', () => {
  const inForce = record({ kind: 'site', site: 'plant-a' }, 1, null);
  const cleared = record({ kind: 'device', site: 'plant-a', device: 'cam-01' }, 2, 5 * HOUR_MS);

  it('are those of kills in force, for ever, and those of cleared ones for an hour', () => {
    const records = [inForce, cleared];
    expect(topicsToAssert(records, 5 * HOUR_MS)).toEqual([inForce.topic, cleared.topic]);
    expect(topicsToAssert(records, 6 * HOUR_MS - 1)).toEqual([inForce.topic, cleared.topic]);
    expect(topicsToAssert(records, 6 * HOUR_MS)).toEqual([inForce.topic]);
  });

  it('end with their hour on a clock that was put back too', () => {
    expect(topicsToAssert([cleared], 0)).toEqual([]);
  });
});
