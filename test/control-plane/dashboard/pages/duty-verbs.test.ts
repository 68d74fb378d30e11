// What the device page offers: of each pair the verb that can change something, with why not, and the command that does the same.
import { describe, expect, it } from 'vitest';
import { dutyActions, pinnable } from '../../../../control-plane/dashboard/pages/device/duty-verbs.ts';
import type { Duty, Mark } from '../../../../shared/protocol/api-duty.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import { IN_SERVICE } from '../../../../shared/protocol/duty.ts';
import { BASELINE, CANDIDATE, device, reported } from '../../cli/recorded-documents.ts';

const MARK: Mark = { actor: 'ana', reason: 'new lens', sinceMs: 0 };
const withDuty = (duty: Partial<Duty>, online = true) =>
  device({ online, duty: { ...IN_SERVICE, version: 3, ...duty } });
const told = (of: ReturnType<typeof device>, session: SessionAnswer | null = null) =>
  Object.fromEntries(dutyActions(of, session).map(({ verb, disabledBecause }) => [verb, disabledBecause]));

describe('dutyActions', () => {
  it('offers the ways out, and retires nobody who reports', () => {
    expect(told(withDuty({}))).toEqual({
      pin: null,
      drain: null,
      retire: 'it is reporting: stop its agent first',
    });
    expect(told(withDuty({}, false)).retire).toBeNull();
    expect(told(device({ reported: null })).pin).toContain('has not reported what it runs');
  });

  it('offers the way back of what was said, and of a retired device nothing else', () => {
    const pinned = { ...MARK, ...BASELINE };
    expect(told(withDuty({ pinned, drained: MARK }))).toMatchObject({ unpin: null, undrain: null });
    const retired = told(withDuty({ retired: MARK }));
    expect(retired.unretire).toBeNull();
    expect(retired.drain).toContain('it is retired by ana since 1970-01-01T00:00Z: new lens');
  });

  it('says who may not, and what the command would be', () => {
    const identity = {
      kind: 'person' as const,
      name: 'vi',
      grants: [{ role: 'viewer' as const, sites: '*' as const }],
      mayKill: false,
    };
    const session = { open: false, identity, csrf: null } as unknown as SessionAnswer;
    expect(told(withDuty({}), session).drain).toMatch(/^vi is not operator at plant-a; ask an admin$/);
    expect(dutyActions(withDuty({}), null).map(({ command }) => command)).toEqual([
      'belay device pin plant-a/cam-a1 RELEASE --reason REASON',
      'belay device drain plant-a/cam-a1 --reason REASON',
      'belay device retire plant-a/cam-a1 --reason REASON',
    ]);
  });
});

it('only what the device itself knows to be safe is offered for a pin', () => {
  const ran = reported({ committed: CANDIDATE, previous: BASELINE });
  expect(pinnable(device({ reported: ran }))).toEqual([CANDIDATE, BASELINE]);
  expect(pinnable(device({ reported: reported({ committed: BASELINE, previous: BASELINE }) }))).toHaveLength(1);
  expect(pinnable(device({ reported: null }))).toEqual([]);
});
