// Following a rollout until its verdict: on a terminal redrawn, elsewhere a line for each change. Decides exit codes.
import { setTimeout as wait } from 'node:timers/promises';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type RolloutView, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { openDoorbell } from '../event-stream.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Session } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { stageIndexOf } from './stage-name.ts';

/** Where no stream of changes is followed. */
const WATCH_MS = 1000;
/** Beside a stream: how old a clock on the screen may be. */
const LOOK_MS = 5000;
/** A control plane that restarts is back by then; a watcher need not start over. */
const PATIENCE_MS = 60_000;

const WENT_BACK: ReadonlySet<RolloutView['state']> = new Set(['rolled_back', 'aborted', 'superseded']);

/** 0 completed, 8 rolled back, superseded, aborted or killed, 9 held; null while it goes on. */
export function verdictOf(view: Pick<RolloutView, 'state' | 'killed'>): ExitCode | null {
  if (WENT_BACK.has(view.state) || view.killed !== null) return EXIT.rolledBack;
  if (view.state === 'completed') return EXIT.ok;
  return view.state === 'holding' ? EXIT.held : null;
}

export function fetchRollout({ api }: Session, id: string): Promise<RolloutView> {
  return api.ask(endpoint('GET /v1/rollouts/:id', { id }), rolloutViewSchema);
}

/** Stays until the verdict; gives its exit code. */
export async function watchRollout(session: Session, id: string): Promise<ExitCode> {
  const draw = session.output.redraws ? await openScreen(session) : openLines(session);
  return follow(session, id, { draw, isThere: () => false, deadlineMs: Number.POSITIVE_INFINITY });
}

export type Waiting = {
  readonly seconds: number;
  /** Name or percent of a stage; null: the end. */
  readonly stage: string | null;
};

/** As watchRollout, but says nothing before the end, and gives up after `seconds` with exit code 7. */
export async function waitForRollout(session: Session, id: string, { seconds, stage }: Waiting): Promise<ExitCode> {
  const { output } = session;
  let last: RolloutView | null = null;
  const code = await follow(session, id, {
    draw: (view) => {
      last = view;
    },
    isThere: (view) => stage !== null && hasReached(view, stage),
    deadlineMs: performance.now() + seconds * 1000,
    onTimeout: ({ state, status }) =>
      new CommandError(EXIT.timeout, `${id} is still ${state} after ${seconds} s: ${status}`),
  });
  const view = last as RolloutView | null;
  if (view !== null)
    output.show(view, () =>
      code === EXIT.ok && stage !== null ? `${id} has reached ${stage}: ${view.status}` : view.status,
    );
  return code;
}

function hasReached(view: RolloutView, stage: string): boolean {
  return view.stages[stageIndexOf(view, stage)]?.status !== 'pending';
}

type Following = {
  readonly draw: (view: RolloutView) => void;
  readonly isThere: (view: RolloutView) => boolean;
  readonly deadlineMs: number;
  readonly onTimeout?: (view: RolloutView) => CommandError;
};

/** Looks whenever the stream says that something changed, and now and then by itself: clocks move without a change. */
async function follow(session: Session, id: string, following: Following): Promise<ExitCode> {
  const { draw, isThere, deadlineMs, onTimeout } = following;
  let view = await fetchRollout(session, id);
  const doorbell = openDoorbell(session.api, ['rollout', 'kill']);
  try {
    for (; ; view = await fetchPatiently(session, id)) {
      draw(view);
      const verdict = verdictOf(view);
      if (verdict === EXIT.rolledBack) return verdict;
      if (isThere(view)) return EXIT.ok;
      if (verdict !== null) return verdict;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 && onTimeout) throw onTimeout(view);
      await doorbell.next(Math.min(LOOK_MS, leftMs), WATCH_MS);
    }
  } finally {
    doorbell.close();
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
    screen(output.plain(renderRollout(view, output)));
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
