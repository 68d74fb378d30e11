// What people and accidents do to a rollout, as commands of a model: the model knows what must be granted and what refused, the
// process dies around any of them, and the witness of the rig holds the record against everything that was said.
import fc from 'fast-check';
import type { CrashRig, When } from './crash-rig.ts';
import { OPERATOR } from './rollout-text.ts';
import { act, startOne } from './walk.ts';

/** `killed`: held for a kill, also when that is over and nobody has resumed it yet. */
type Standing = 'none' | 'live' | 'held' | 'killed' | 'ending';

export type Model = { standing: Standing; isKillInForce: boolean; started: number };

type Crash = fc.AsyncCommand<Model, CrashRig>;

/** The rollout in hand and the kill in hand are the newest on record. */
const rolloutIn = (rig: CrashRig): string => rig.record().rollouts.at(-1)?.id ?? '';
const isActive = ({ standing }: Readonly<Model>): boolean => ['live', 'held', 'killed'].includes(standing);

export class Start implements Crash {
  readonly when: When;
  constructor(when: When) {
    this.when = when;
  }
  check = ({ standing }: Readonly<Model>): boolean => standing === 'none';
  async run(model: Model, rig: CrashRig): Promise<void> {
    model.started += 1;
    await startOne(rig, `random-${model.started}`, { when: this.when, promote: 'manual' });
    model.standing = 'live';
  }
  toString = (): string => `start(${this.when})`;
}

type Verb = 'hold' | 'resume' | 'rollback' | 'abort';

/** What the verb makes of it; null: it must be refused. */
function expected(verb: Verb, { standing, isKillInForce }: Readonly<Model>): Standing | null {
  if (verb === 'rollback' || verb === 'abort') return 'ending';
  if (verb === 'hold') return standing === 'killed' && isKillInForce ? null : 'held';
  return standing === 'live' || (standing === 'killed' && isKillInForce) ? null : 'live';
}

class Say implements Crash {
  readonly verb: Verb;
  readonly when: When;
  constructor(verb: Verb, when: When) {
    this.verb = verb;
    this.when = when;
  }
  check = (model: Readonly<Model>): boolean => isActive(model);
  async run(model: Model, rig: CrashRig): Promise<void> {
    const next = expected(this.verb, model);
    const answered = await act(rig, rolloutIn(rig), this.verb, { when: this.when });
    const isGranted = answered !== 'refused';
    if (isGranted !== (next !== null))
      throw new Error(`seed ${rig.seed}: ${this.verb} was ${answered} while ${JSON.stringify(model)}`);
    model.standing = next ?? model.standing;
    const shown = (await rig.view(rolloutIn(rig))).state;
    if (!SHOWN[model.standing].includes(shown))
      throw new Error(`seed ${rig.seed}: it shows ${shown} after ${this}, the model is ${model.standing}`);
  }
  toString = (): string => `${this.verb}(${this.when})`;
}

const SHOWN: Readonly<Record<Standing, readonly string[]>> = {
  none: ['rolled_back', 'aborted'],
  live: ['running', 'awaiting_approval'],
  held: ['holding'],
  killed: ['holding'],
  ending: ['rolling_back', 'rolled_back', 'aborted'],
};

class Kill implements Crash {
  readonly when: When;
  constructor(when: When) {
    this.when = when;
  }
  check = (model: Readonly<Model>): boolean => isActive(model) && !model.isKillInForce;
  async run(model: Model, rig: CrashRig): Promise<void> {
    const id = rolloutIn(rig);
    const body = { actor: OPERATOR, scope: { kind: 'rollout', rolloutId: id } };
    await rig.ask('kill', { path: '/v1/kills', body, when: this.when });
    await rig.await('held for the kill', id, ({ state, killed }) => state === 'holding' && killed !== null);
    model.isKillInForce = true;
    model.standing = 'killed';
  }
  toString = (): string => `kill(${this.when})`;
}

class Rearm implements Crash {
  readonly when: When;
  constructor(when: When) {
    this.when = when;
  }
  check = ({ isKillInForce }: Readonly<Model>): boolean => isKillInForce;
  async run(model: Model, rig: CrashRig): Promise<void> {
    const killId = await rig.newestKill();
    const ask = { path: `/v1/kills/${killId}/rearm`, body: { actor: OPERATOR } };
    // Refused while nothing can be written: it is asked again then, as a person would.
    const { answered, text } = await rig.ask('rearm', { ...ask, when: this.when });
    const again = answered === 'refused' ? await rig.ask('rearm', ask) : null;
    if (again?.answered === 'refused') throw new Error(`re-arming was refused twice: ${text}, ${again.text}`);
    await rig.await('re-armed', rolloutIn(rig), ({ killed }) => killed === null);
    model.isKillInForce = false;
  }
  toString = (): string => `rearm(${this.when})`;
}

class Die implements Crash {
  readonly withinMs: number;
  constructor(withinMs: number) {
    this.withinMs = withinMs;
  }
  check = (): boolean => true;
  run = (_model: Model, rig: CrashRig): Promise<void> => rig.crashWithin(this.withinMs);
  toString = (): string => `die(within ${this.withinMs} ms)`;
}

/** It is waited for, and what has ended leaves room for the next. */
class End implements Crash {
  check = ({ standing, isKillInForce }: Readonly<Model>): boolean => standing === 'ending' && !isKillInForce;
  async run(model: Model, rig: CrashRig): Promise<void> {
    await rig.await('it is over', rolloutIn(rig), ({ endedAtMs }) => endedAtMs !== null);
    await rig.awaitObedience();
    model.standing = 'none';
  }
  toString = (): string => 'end';
}

const whens = fc.constantFrom<When>('never', 'in-flight', 'in-flight', 'answered', 'blocked');
const verbs = fc.constantFrom<Verb>('hold', 'hold', 'resume', 'resume', 'rollback', 'abort');

export const anyCommand = [
  whens.map((when) => new Start(when)),
  fc.tuple(verbs, whens).map(([verb, when]) => new Say(verb, when)),
  whens.map((when) => new Kill(when)),
  whens.map((when) => new Rearm(when)),
  fc.constantFrom(40, 400, 1500).map((withinMs) => new Die(withinMs)),
  fc.constant(new End()),
];

export const firstModel = (): Model => ({ standing: 'none', isKillInForce: false, started: 0 });
