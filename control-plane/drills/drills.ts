// The door of the drills room: start a rehearsal, list, show, and one look per tick at what runs. One drill at a time.

import { describeError } from '../../shared/basics/errors.ts';
import type { Drill, DrillResult, DrillStartBody } from '../../shared/protocol/api-drills.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import { type DrillFacts, failedDrill, judgeDrill } from '../core/drill.ts';
import { perFactoryOf } from '../simulation/drill-life.ts';
import { FLEET } from '../simulation/fleet.ts';
import { forgetDrillRelease, prepareDeviceDrill, registerDrillRelease, startDrillRollout } from './device-drill.ts';
import type { DrillParts } from './drill-parts.ts';
import {
  countDrills,
  type DrillPage,
  type DrillRow,
  endDrill,
  findDrill,
  insertDrill,
  listDrillRows,
  listRunning,
  type StoredScope,
  scopeOf,
  toDrill,
} from './drill-rows.ts';
import { type Simulation, simulatedRules, startSimulation } from './simulate.ts';
import { watchDrill } from './watch-drill.ts';

/** A drill whose rollout never came to be has this long to show it. */
const START_MS_MAX = 60_000;

export type DrillStarted =
  | { readonly kind: 'started'; readonly id: string }
  /** The request makes no sense. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** It does, and something stands in the way. */
  | { readonly kind: 'refused'; readonly reason: string };

export class Drills {
  readonly #parts: DrillParts;
  readonly #simulations = new Map<string, Simulation>();
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(parts: DrillParts) {
    this.#parts = parts;
  }

  /** Newest first. */
  async list(page: DrillPage): Promise<readonly Drill[]> {
    const { database } = this.#parts;
    return Promise.all((await listDrillRows(database, page)).map((row) => toDrill(database, row)));
  }

  async get(id: string): Promise<Drill | null> {
    const row = await findDrill(this.#parts.database, id);
    return row && toDrill(this.#parts.database, row);
  }

  start(body: DrillStartBody): Promise<DrillStarted> {
    return this.#alone(() => this.#start(body));
  }

  /** Never rejects: rollouts are decided on whatever becomes of a drill. */
  async tick(nowMs: number): Promise<void> {
    await this.#alone(async () => {
      for (const row of await listRunning(this.#parts.database)) await this.#look(row, nowMs);
    }).catch((error: unknown) => this.#parts.log.error({ error: describeError(error) }, 'a drill was not looked at'));
  }

  /** Simulations that run are cut off: the next control plane on this folder says so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#simulations.values()].map((simulation) => simulation.end()));
    await this.#queue;
  }

  async #start(body: DrillStartBody): Promise<DrillStarted> {
    const { database } = this.#parts;
    if ((body.simulated === undefined) === (body.agents === undefined))
      return { kind: 'invalid', reason: 'say where: a simulated fleet, or devices of one factory' };
    const read = body.file === undefined ? null : readRolloutFile(body.file);
    if (read?.ok === false)
      return {
        kind: 'invalid',
        reason: `the file has mistakes: ${read.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
      };
    const [running] = await listRunning(database);
    if (running) return { kind: 'refused', reason: `drill ${running.id} is running: one at a time` };
    const number = (await countDrills(database)) + 1;
    return body.agents === undefined ? this.#simulate(body, number) : this.#rehearse(body, body.agents, number);
  }

  async #simulate(body: DrillStartBody, number: number): Promise<DrillStarted> {
    const { devices = 200, seed = 1 } = body.simulated ?? {};
    const ruled = simulatedRules(body.file ?? null);
    if (typeof ruled === 'string') return { kind: 'invalid', reason: `the file cannot be rehearsed: ${ruled}` };
    const { rules, leftOut } = ruled;
    const size = perFactoryOf(devices) * FLEET.factories;
    const row = await this.#insert(body, {
      id: `drill-${number}`,
      scope: { simulated: { devices: size, seed } },
      digest: null,
    });
    const simulation = startSimulation({ failure: body.failure, devices, seed, rules, leftOut });
    this.#simulations.set(row.id, simulation);
    void simulation.facts
      .then((facts) => this.#end(row, facts))
      .catch((error: unknown) => (this.#isClosed ? undefined : this.#end(row, failedDrill(describeError(error)))))
      .catch((error: unknown) =>
        this.#parts.log.error({ drill: row.id, error: describeError(error) }, 'the result of a drill was not stored'),
      )
      .finally(() => this.#simulations.delete(row.id));
    return { kind: 'started', id: row.id };
  }

  async #rehearse(
    body: DrillStartBody,
    agents: NonNullable<DrillStartBody['agents']>,
    number: number,
  ): Promise<DrillStarted> {
    const prepared = await prepareDeviceDrill(this.#parts, { failure: body.failure, agents });
    if (prepared.kind === 'refused') return prepared;
    const order = { id: `drill-${number}`, number, body, agents, nowMs: this.#parts.wallNow() };
    const candidate = await registerDrillRelease(this.#parts, prepared, order);
    // Written before the rollout: whatever happens in between, the drill is looked at, and ended.
    const row = await this.#insert(body, { id: order.id, scope: { agents }, digest: candidate.digest });
    const reason = await startDrillRollout(this.#parts, order, { candidate, controls: prepared.controls });
    if (reason === null) return { kind: 'started', id: row.id };
    await this.#end(row, failedDrill(`it could not start: ${reason}`));
    return { kind: 'refused', reason };
  }

  async #insert(
    body: DrillStartBody,
    drill: { id: string; scope: StoredScope; digest: string | null },
  ): Promise<DrillRow> {
    const { database, audit, wallNow } = this.#parts;
    const { id, scope, digest } = drill;
    const { failure, actor, reason } = body;
    const mode = scope.simulated ? 'simulated' : 'agents';
    const row: DrillRow = {
      id,
      failure,
      mode,
      state: 'running',
      actor,
      reason,
      started_at_ms: wallNow(),
      ended_at_ms: null,
      scope: JSON.stringify(scope),
      candidate_digest: digest,
      result: null,
    };
    await database.transaction().execute(async (transaction) => {
      await insertDrill(transaction, row);
      await audit.append(transaction, {
        actor,
        action: 'drill-started',
        subject: `drill/${id}`,
        reason,
        details: { failure, mode, ...scope },
      });
    });
    return row;
  }

  async #look(row: DrillRow, nowMs: number): Promise<void> {
    if (row.mode === 'simulated') {
      if (!this.#simulations.has(row.id))
        await this.#end(row, failedDrill('the control plane was restarted meanwhile'));
      return;
    }
    const facts = await watchDrill(this.#parts, row, nowMs);
    if (facts !== null) await this.#endOnDevices(row, facts, nowMs);
    else if (nowMs - row.started_at_ms > START_MS_MAX && (await toDrill(this.#parts.database, row)).rolloutId === null)
      await this.#end(row, failedDrill('its rollout was never started'));
  }

  async #endOnDevices(row: DrillRow, facts: DrillFacts, nowMs: number): Promise<void> {
    await this.#end(row, facts);
    const { agents } = scopeOf(row);
    const digest = row.candidate_digest;
    if (agents === undefined || digest === null) return;
    const scope = { site: agents.site, devices: [...agents.devices] };
    await forgetDrillRelease(this.#parts, { agents: scope, digest, reason: `drill ${row.id} is over` }, nowMs);
  }

  async #end(row: DrillRow, ended: DrillFacts | DrillResult): Promise<void> {
    const { database, audit, wallNow, log } = this.#parts;
    const result = 'promises' in ended ? ended : judgeDrill(ended);
    await database.transaction().execute(async (transaction) => {
      if (!(await endDrill(transaction, row.id, { atMs: wallNow(), result }))) return;
      await audit.append(transaction, {
        actor: 'belay',
        action: 'drill-ended',
        subject: `drill/${row.id}`,
        reason: result.sentence,
        details: { passed: result.passed, promises: result.promises },
      });
    });
    log.info({ drill: row.id, failure: row.failure, passed: result.passed, reason: result.sentence }, 'drill ended');
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => undefined);
    return next;
  }
}
