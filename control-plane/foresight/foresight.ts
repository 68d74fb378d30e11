// The door of the foresight room: the outlook of a plan, guardrails on recorded windows, and rehearsals. It reads and computes;
// nothing that it finds changes a rollout. A rehearsal ends with the process; what it found stays.
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type {
  GuardrailTest,
  GuardrailTestBody,
  Rehearsal,
  RehearsalBody,
} from '../../shared/protocol/api-foresight.ts';
import type { RolloutPlanAnswer } from '../../shared/protocol/api-rollouts.ts';
import type { FileProblem } from '../../shared/rollout/read-rollout-file.ts';
import { PAST_MS } from '../core/foresight/recorded.ts';
import type { PlanFacts } from '../core/plan.ts';
import { keyOf } from '../core/stages.ts';
import type { Database } from '../database/database.ts';
import type { Device } from '../devices/device.ts';
import type { RegistryDoor } from '../rollouts/parts.ts';
import { type Planned, planFrom, withSalt } from '../rollouts/planner.ts';
import type { Rollouts } from '../rollouts/rollouts.ts';
import {
  readIncidentsBetween,
  readWindows,
  reportedTraits,
  type Stretch,
  sampleOf,
  studyDeviceOf,
} from './read-recorded.ts';
import { findRehearsal, saveRehearsal } from './rehearsal-rows.ts';
import { runStudy, StudyError } from './study.ts';
import type { StudyDevice } from './study-task.ts';

export type ForesightParts = {
  readonly database: Database;
  readonly rollouts: Pick<Rollouts, 'planned' | 'running'>;
  readonly registry: Pick<RegistryDoor, 'resolve'>;
  readonly devices: { list(): Promise<readonly Device[]> };
  readonly wallNow: () => number;
  readonly log: Pick<Logger, 'warn'>;
};

export type Refused =
  | { readonly kind: 'invalid'; readonly problems: readonly FileProblem[] }
  | { readonly kind: 'refused'; readonly reason: string };
export type Tested = { readonly kind: 'tested'; readonly test: GuardrailTest } | Refused;
export type Begun = { readonly kind: 'begun'; readonly rehearsal: Rehearsal } | Refused;

const DAY_MS = 24 * 3_600_000;
/** Who asks waits for it: a plan is shown without its outlook rather than late. */
const OUTLOOK_LIMIT_MS = 50_000;
const TEST_LIMIT_MS = 120_000;
const REHEARSAL_LIMIT_MS = 30 * 60_000;
/** Studies at a time. */
const STUDIES_MAX = 3;
/** Other salts that are tried for cohorts that are more alike. */
const SALTS = 40;

type Ready = Extract<Planned, { kind: 'planned' }>;

export class Foresight {
  readonly #parts: ForesightParts;
  readonly #closing = new AbortController();
  readonly #rehearsals = new Map<string, { readonly stop: AbortController; state: Rehearsal }>();
  readonly #running = new Set<Promise<unknown>>();
  #count = 0;

  constructor(parts: ForesightParts) {
    this.#parts = parts;
  }

  /** The plan of a file with its outlook. With `reseed` the plan is as before, and a better salt is named. */
  async plan(
    fileText: string,
    { reseed = false }: { readonly reseed?: boolean | undefined } = {},
  ): Promise<RolloutPlanAnswer> {
    const planned = await this.#parts.rollouts.planned(fileText);
    if (planned.kind === 'refused')
      return { plan: null, problems: [...planned.problems], outlook: null, outlookMissing: null };
    const found = await this.#outlook(planned, reseed).catch((error: unknown) => {
      if (!(error instanceof StudyError)) throw error;
      this.#parts.log.warn({ error: describeError(error) }, 'a plan is shown without its outlook');
      return error.message;
    });
    const isFound = typeof found !== 'string';
    return {
      plan: planned.plan,
      problems: [],
      outlook: isFound ? found : null,
      outlookMissing: isFound ? null : found,
    };
  }

  async #outlook({ plan, facts, kill, cooldowns }: Ready, reseed: boolean) {
    const { database, rollouts, wallNow } = this.#parts;
    const stretch = { fromMs: wallNow() - DAY_MS - PAST_MS, toMs: wallNow() };
    const { studied, traits, incidents } = await this.#readDevices(facts, plan.devices, stretch);
    const active = await rollouts.running();
    const running = active.map(({ id, state, candidate, plan: { devices } }) => {
      return { id, state, candidate: candidate.release, devices };
    });
    // Once devices have been chosen they stay chosen: who draws again after a look at the results draws what he likes.
    const hasStarted = active.some(({ name }) => name === plan.name);
    const salts = reseed && !hasStarted ? Array.from({ length: SALTS }, (_, at) => `${plan.name}-r${at + 1}`) : [];
    const others = salts.map((salt) => ({ salt, plan: planFrom(withSalt(facts, salt)) }));
    const lookedAt = { planFacts: facts, plan, traits, incidents, running, kill, cooldowns };
    const outlook = await this.#study((signal) =>
      runStudy<'outlook'>({
        task: { kind: 'outlook', facts: lookedAt, others },
        windows: readWindows(database, studied, stretch),
        limitMs: OUTLOOK_LIMIT_MS,
        signal,
      }),
    );
    const refused = `no other salt was tried: a rollout ${plan.name} has started, and its cohorts are fixed`;
    return reseed && hasStarted ? { ...outlook, notes: [...outlook.notes, refused] } : outlook;
  }

  /** Throws StudyError. */
  async test({ file, candidate: reference, ...asked }: GuardrailTestBody): Promise<Tested> {
    const { database, rollouts, wallNow } = this.#parts;
    const toMs = asked.toMs ?? wallNow();
    const fromMs = asked.fromMs ?? toMs - DAY_MS;
    if (fromMs >= toMs) return { kind: 'refused', reason: 'the time to look at ends before it begins' };
    const candidate = reference === undefined ? null : this.#parts.registry.resolve(reference);
    if (candidate?.kind === 'unknown') return { kind: 'refused', reason: `${reference} is not registered` };
    if (candidate?.kind === 'ambiguous')
      return { kind: 'refused', reason: `${reference} fits several releases: ${candidate.ids.join(', ')}` };
    const planned = await rollouts.planned(file);
    if (planned.kind === 'refused') return { kind: 'invalid', problems: planned.problems };
    const { plan, facts } = planned;
    const stretch = { fromMs: fromMs - PAST_MS, toMs };
    // Who runs the candidate by now is left out of a plan, and was part of it then.
    const devices = candidate === null ? plan.devices : wholeFleet(facts);
    const { studied, incidents } = await this.#readDevices(facts, devices, stretch);
    const test = await this.#study((signal) =>
      runStudy<'backtest'>({
        task: {
          kind: 'backtest',
          facts: { planFacts: facts, plan, incidents, fromMs, toMs, candidate: candidate?.ref ?? null },
        },
        windows: readWindows(database, studied, stretch),
        limitMs: TEST_LIMIT_MS,
        signal,
      }),
    );
    return { kind: 'tested', test };
  }

  async rehearse({ file, runs, seed }: RehearsalBody): Promise<Begun> {
    const { rollouts, wallNow } = this.#parts;
    const planned = await rollouts.planned(file);
    if (planned.kind === 'refused') return { kind: 'invalid', problems: planned.problems };
    const busy = [...this.#rehearsals.values()].find(({ state }) => state.state === 'running');
    if (busy) return { kind: 'refused', reason: `rehearsal ${busy.state.id} is running: wait for it, or stop it` };
    this.#count += 1;
    const startedAtMs = wallNow();
    const id = `rehearsal-${startedAtMs.toString(36)}-${this.#count}`;
    const begun: Rehearsal = { id, state: 'running', startedAtMs, done: 0, runs, reason: null, result: null };
    const entry = { stop: new AbortController(), state: begun };
    await saveRehearsal(this.#parts.database, begun);
    this.#rehearsals.set(id, entry);
    this.#keep(this.#carryOut(planned, { entry, seed }));
    return { kind: 'begun', rehearsal: begun };
  }

  /** Null: there is none of that id. */
  async rehearsal(id: string): Promise<Rehearsal | null> {
    const running = this.#rehearsals.get(id);
    if (running) return running.state;
    const stored = await findRehearsal(this.#parts.database, id);
    if (stored?.state !== 'running') return stored;
    return {
      ...stored,
      state: 'failed',
      reason: 'it ended with the control plane that carried it out: start it again',
    };
  }

  /** What it was by then; null when there is none of that id. */
  async stop(id: string): Promise<Rehearsal | null> {
    const entry = this.#rehearsals.get(id);
    if (!entry) return this.rehearsal(id);
    entry.stop.abort();
    await Promise.allSettled(this.#running);
    return entry.state;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #carryOut(
    { plan, facts }: Ready,
    { entry, seed }: { entry: { readonly stop: AbortController; state: Rehearsal }; seed: number },
  ) {
    const { database, wallNow } = this.#parts;
    const stretch = { fromMs: wallNow() - DAY_MS - PAST_MS, toMs: wallNow() };
    try {
      const { studied, incidents } = await this.#readDevices(facts, plan.devices, stretch);
      const chosen = new Set(studied.map(keyOf));
      const planFacts = { ...facts, devices: facts.devices.filter((device) => chosen.has(keyOf(device))) };
      const result = await this.#study((signal) =>
        runStudy<'rehearsal'>({
          task: { kind: 'rehearsal', planFacts, incidents, runs: entry.state.runs, seed },
          windows: readWindows(database, studied, stretch),
          limitMs: REHEARSAL_LIMIT_MS,
          signal: AbortSignal.any([signal, entry.stop.signal]),
          onProgress: (done) => {
            entry.state = { ...entry.state, done };
          },
        }),
      );
      entry.state = { ...entry.state, state: 'done', result };
    } catch (error) {
      const isStopped = error instanceof StudyError && error.code === 'study-stopped';
      entry.state = { ...entry.state, state: isStopped ? 'stopped' : 'failed', reason: describeError(error) };
    }
    await saveRehearsal(database, entry.state).then(
      () => this.#rehearsals.delete(entry.state.id),
      // It is told from memory then, as long as this process lives.
      (error: unknown) => this.#parts.log.warn({ error: describeError(error) }, 'a rehearsal could not be stored'),
    );
  }

  async #readDevices(
    { candidate, devices }: PlanFacts,
    wanted: readonly { readonly site: string; readonly device: string; readonly position: number }[],
    stretch: Stretch,
  ) {
    const known = new Map((await this.#parts.devices.list()).map((device) => [keyOf(device), device]));
    const baselines = new Map(devices.map((device) => [keyOf(device), device.baseline?.digest]));
    const studied = sampleOf(wanted).flatMap((place): StudyDevice[] => {
      const [device, baseline] = [known.get(keyOf(place)), baselines.get(keyOf(place))];
      return device === undefined || baseline === undefined ? [] : [studyDeviceOf(device, baseline, candidate.digest)];
    });
    const traits = new Map([...known].map(([key, device]) => [key, reportedTraits(device)]));
    const sites = [...new Set(wanted.map(({ site }) => site))];
    const incidents = sites.length === 0 ? [] : await readIncidentsBetween(this.#parts.database, sites, stretch);
    return { studied, traits, incidents };
  }

  async #study<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#studies >= STUDIES_MAX)
      throw new StudyError('study-stopped', `waits: ${STUDIES_MAX} others are looking ahead; ask again in a minute`);
    this.#studies += 1;
    try {
      return await this.#keep(run(this.#closing.signal));
    } finally {
      this.#studies -= 1;
    }
  }

  #studies = 0;

  /** Waited for at the end, whatever becomes of it. */
  #keep<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const forget = () => this.#running.delete(work);
    work.then(forget, forget);
    return work;
  }
}

export function openForesight(parts: ForesightParts): Foresight {
  return new Foresight(parts);
}

/** Every device of the plan's factories, in any order. */
function wholeFleet({ devices, file }: PlanFacts) {
  const { factories } = file.spec.cohort;
  return devices
    .filter(({ site }) => factories === null || factories.includes(site))
    .map(({ site, device }, position) => ({ site, device, position }));
}
