// Following a rollout until its verdict: on a terminal redrawn, elsewhere a line for each change. Decides exit codes.
import { setTimeout as wait } from 'node:timers/promises';
import { type RolloutView, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printable } from '../output.ts';
import type { Session } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';

const WATCH_MS = 1000;
/** A control plane that restarts is back by then; a watcher need not start over. */
const PATIENCE_MS = 60_000;

const WENT_BACK: ReadonlySet<RolloutView['state']> = new Set(['rolled_back', 'aborted', 'superseded']);

/** 0 completed, 8 rolled back, superseded, aborted or killed, 9 held; null while it goes on. */
export function verdictOf(view: Pick<RolloutView, 'state' | 'killed'>): ExitCode | null {
  if (WENT_BACK.has(view.state) || view.killed !== null) return EXIT.rolledBack;
  if (view.state === 'completed') return EXIT.ok;
  return view.state === 'holding' ? EXIT.held : null;
}

export function rolloutPath(id: string): string {
  return `/v1/rollouts/${encodeURIComponent(id)}`;
}

export function fetchRollout({ api }: Session, id: string): Promise<RolloutView> {
  return api.get(rolloutPath(id), rolloutViewSchema);
}

/** Stays until the verdict; gives its exit code. */
export async function watchRollout(session: Session, id: string): Promise<ExitCode> {
  const draw = session.output.redraws ? await openScreen(session) : openLines(session);
  for (let view = await fetchRollout(session, id); ; view = await fetchPatiently(session, id)) {
    draw(view);
    const code = verdictOf(view);
    if (code !== null) return code;
    await wait(WATCH_MS);
  }
}

/** As watchRollout, but says nothing before the end, and gives up after `seconds` with exit code 7. */
export async function waitForRollout(session: Session, id: string, seconds: number): Promise<ExitCode> {
  const deadlineMs = performance.now() + seconds * 1000;
  for (let view = await fetchRollout(session, id); ; view = await fetchPatiently(session, id)) {
    const { status, state } = view;
    const code = verdictOf(view);
    if (code !== null) {
      session.output.show(view, () => status);
      return code;
    }
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) throw new CommandError(EXIT.timeout, `${id} is still ${state} after ${seconds} s: ${status}`);
    await wait(Math.min(WATCH_MS, leftMs));
  }
}

/** As fetchRollout, for one that was reached before: an outage is said once, and waited out. */
async function fetchPatiently(session: Session, id: string): Promise<RolloutView> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await fetchRollout(session, id);
    } catch (error) {
      const isOutage = error instanceof CommandError && error.exitCode === EXIT.unreachable;
      if (!isOutage || performance.now() > deadlineMs) throw error;
      if (isFirst) session.output.note('the control plane does not answer; trying again');
    }
    await wait(WATCH_MS);
  }
}

async function openScreen({ output }: Session): Promise<(view: RolloutView) => void> {
  // Loaded here alone: it would cost every other command a fifth of its start.
  const { createLogUpdate } = await import('log-update');
  const screen = createLogUpdate(process.stdout);
  return (view) => {
    screen(printable(renderRollout(view, output)));
    if (verdictOf(view) !== null) screen.done();
  };
}

/** One line (or one JSON document) for each change. */
function openLines({ output }: Session): (view: RolloutView) => void {
  let shown = '';
  return (view) => {
    const line = `${[view.state, view.stage, view.phase].filter(Boolean).join(' ')}  ${view.status}`;
    if (line !== shown) output.show(view, () => line);
    shown = line;
  };
}
