// What can be killed, and what would answer again after a kill.
import { describe, expect, it } from 'vitest';
import type { DevicePresence } from '../../../control-plane/devices/presence.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { killChoices } from '../../../control-plane/kill-switch/kill-choices.ts';
import { tellComesBack } from '../../../control-plane/kill-switch/kill-progress.ts';

const A = { release: 'det:1.0.0+data=x', digest: 'a'.repeat(64) };
const B = { release: 'det:2.0.0+data=x', digest: 'b'.repeat(64) };

function device(name: string, part: Partial<DevicePresence> = {}): DevicePresence {
  const book = new PresenceBook();
  book.seen({ site: 'plant-a', device: name, boot: 'boot-0001', atMs: 0 });
  return { ...book.list()[0]!, ...part };
}

const candidate = (role: 'serve' | 'shadow') =>
  ({ ...B, role, rolloutId: 'r-1', stage: 's', sampleEvery: 1, lease: null, requireWarm: false }) as const;
const onTrial = device('cam-01', {
  committed: A,
  desiredCandidate: candidate('serve'),
  desiredRollout: { rolloutId: 'r-1', digest: B.digest },
});

describe('killChoices', () => {
  it('counts a device once for each thing that it has, and where something is on trial', () => {
    const choices = killChoices([onTrial, device('cam-02', { committed: A, connected: false })], 0);
    expect(choices.map(({ scope, devices, offline, onTrial: trials }) => [scope, devices, offline, trials])).toEqual([
      ['fleet', 2, 1, 1],
      ['site:plant-a', 2, 1, 1],
      ['rollout:r-1', 1, 0, 1],
      [`release:${A.release}`, 2, 1, 1],
      [`release:${B.release}`, 1, 0, 1],
    ]);
  });
});

describe('tellComesBack', () => {
  it('names the releases that this kill alone holds back', () => {
    const shadow = device('cam-02', { desiredCandidate: candidate('shadow') });
    const told = tellComesBack({ kind: 'fleet' }, [onTrial, shadow], []);
    expect(told).toContain(`${B.release} on 1 device, ${B.release} (shadow) on 1 device`);
  });

  it('says nothing comes back while another kill holds the same', () => {
    const other = { scope: { kind: 'site', site: 'plant-a' } } as const;
    expect(tellComesBack({ kind: 'fleet' }, [onTrial], [other])).toContain('nothing answers again by itself');
  });

  it('counts a committed release only where the kill names it', () => {
    const stable = device('cam-03', { committed: A });
    expect(tellComesBack({ kind: 'fleet' }, [stable], [])).toContain('nothing answers again');
    expect(tellComesBack({ kind: 'release', ...A }, [stable], [])).toContain(`${A.release} on 1 device`);
  });
});
