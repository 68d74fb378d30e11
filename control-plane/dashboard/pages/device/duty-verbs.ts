// What a person can say of a device on its page: pin, drain, retire, or the way back of each, with its reason or why not.
import type { DeviceDocument } from '../../../../shared/protocol/api-devices.ts';
import type { DutyVerb } from '../../../../shared/protocol/api-duty.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { ReleaseRef } from '../../../../shared/protocol/documents.ts';
import { whyNotDuty } from '../../../../shared/protocol/duty.ts';
import { lackOf } from '../rollout/actions.ts';

export type DutyAction = {
  readonly verb: DutyVerb;
  readonly word: string;
  readonly says: string;
  readonly command: string;
  readonly disabledBecause: string | null;
};

const WORDS: Readonly<Record<DutyVerb, readonly [word: string, says: (name: string) => string]>> = {
  pin: ['Pin', (name) => `Keep one release on ${name}: rollouts leave it out, a kill still wins`],
  unpin: ['Unpin', (name) => `End the pin of ${name}: it goes on with the release it has`],
  drain: ['Drain', (name) => `Take ${name} out of its cohorts for maintenance: its baseline answers`],
  undrain: ['Undrain', (name) => `Bring ${name} back into service: rollouts may take it again`],
  retire: ['Retire', (name) => `Expect no more of ${name}: its password ends, its history stays`],
  unretire: ['Bring back', (name) => `Expect ${name} again: its agent needs new credentials`],
};

/** Of each pair the one that can change something. */
export function dutyActions(device: DeviceDocument, session: SessionAnswer | null): readonly DutyAction[] {
  const { duty, online, reported, site } = device;
  const name = `${site}/${device.device}`;
  const lack = lackOf(session, 'operate', [site]);
  const verbs: readonly DutyVerb[] = [
    duty.pinned ? 'unpin' : 'pin',
    duty.drained ? 'undrain' : 'drain',
    duty.retired ? 'unretire' : 'retire',
  ];
  return verbs.map((verb) => {
    const [word, says] = WORDS[verb];
    const release = verb === 'pin' ? ' RELEASE' : '';
    return {
      verb,
      word,
      says: says(name),
      command: `belay device ${verb} ${name}${release} --reason REASON`,
      disabledBecause: lack ?? whyNotDuty(verb, { duty, online, hasCommitted: reported?.committed != null }),
    };
  });
}

/** What is known to be safe there, as it says itself: what it has committed, and what it ran before. */
export function pinnable({ reported }: Pick<DeviceDocument, 'reported'>): readonly ReleaseRef[] {
  const { committed = null, previous = null } = reported ?? {};
  const refs = [committed, previous].filter((ref) => ref !== null);
  return refs.filter(({ digest }, at) => refs.findIndex((other) => other.digest === digest) === at);
}
