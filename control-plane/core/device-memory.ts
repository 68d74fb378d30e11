// What was added up of the windows of many devices, carried on from tick to tick: a tick costs what is new. Lists of windows only
// grow; one that arrives late stands between others, and that device is added up anew.
import type { Window } from '../../shared/measure/window.ts';
import { DeviceFold } from './device-fold.ts';
import type { DeviceHistory, Question } from './history.ts';
import { type KeptChanges, keepChanges } from './kept-changes.ts';
import type { Selected } from './selected.ts';
import { keyOf } from './stages.ts';

export type TotalsMemory = {
  /** Of a device that has the candidate, and of one that could be its control. */
  readonly candidate: (history: DeviceHistory, question: Question) => Selected;
  readonly control: (history: DeviceHistory, question: Question) => Selected;
  /** What the last tick made of it. */
  readonly changes: KeptChanges;
};

type Kept = { fold: DeviceFold; before: Seen; since: Seen };
type Seen = { readonly count: number; readonly last: Window | undefined };

/** Remembers by `site/device`, as long as it is kept. */
export function rememberTotals(): TotalsMemory {
  const known = new Map<string, Kept>();
  const select = (as: 'candidate' | 'control', history: DeviceHistory, question: Question): Selected => {
    const key = keyOf(history);
    const kept = carryOn(known.get(key), history, question) ?? startAgain(history, question);
    known.set(key, kept);
    return kept.fold.select(as, history);
  };
  return {
    candidate: (history, question) => select('candidate', history, question),
    control: (history, question) => select('control', history, question),
    changes: keepChanges(),
  };
}

/** Null: not with these windows, or not for this question. */
function carryOn(kept: Kept | undefined, { before, since }: DeviceHistory, question: Question): Kept | null {
  if (!kept || before.length !== kept.before.count || !hasGrown(kept.before, before) || !hasGrown(kept.since, since))
    return null;
  for (const window of since.slice(kept.since.count)) if (!kept.fold.take(window, 'since')) return null;
  kept.since = seen(since);
  return kept.fold.ask(question) ? kept : null;
}

function startAgain(history: DeviceHistory, question: Question): Kept {
  const fold = new DeviceFold(history.baselineDigest, question);
  for (const part of ['before', 'since'] as const) for (const window of inOrder(history[part])) fold.take(window, part);
  fold.ask(question);
  return { fold, before: seen(history.before), since: seen(history.since) };
}

function hasGrown({ count, last }: Seen, windows: readonly Window[]): boolean {
  return windows.length >= count && windows[count - 1] === last;
}

function seen(windows: readonly Window[]): Seen {
  return { count: windows.length, last: windows.at(-1) };
}

function inOrder(windows: readonly Window[]): readonly Window[] {
  const isSorted = windows.every(({ startAtMs }, at) => startAtMs >= (windows[at - 1]?.startAtMs ?? 0));
  return isSorted ? windows : windows.toSorted((a, b) => a.startAtMs - b.startAtMs);
}
