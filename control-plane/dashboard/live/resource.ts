// A document of the API on a page: read when the page opens, read again when the stream says that it has changed.
import { useEffect, useState } from 'preact/hooks';
import type { Address } from '../../../shared/protocol/address.ts';
import type { LiveChange, LiveTopic } from '../../../shared/protocol/api-live.ts';
import type { AnswerOf, Route } from '../../../shared/protocol/endpoints.ts';
import { ApiProblem, ask } from '../api.ts';
import { onChanges } from './live.ts';

export type Resource<T> = {
  readonly value: T | null;
  readonly problem: ApiProblem | null;
  /** When `value` was read, by this browser's clock; null before the first time. */
  readonly readAtMs: number | null;
  readonly refresh: () => void;
};

type Read<T> = Omit<Resource<T>, 'refresh'> & { readonly path: string | null };

const NOTHING = { value: null, problem: null, readAtMs: null } as const;

/** `id` left out: any change of the resource. */
export type Watched = { readonly resource: LiveTopic; readonly id?: string };

/** Changes that come close together are one more reading. */
const SETTLE_MS = 250;

/** `address` null: nothing is read. `watches` is looked at when it changes. */
export function useResource<R extends Route>(
  address: Address<R> | null,
  watches: readonly Watched[] = [],
): Resource<AnswerOf<R>> {
  const path = address?.path ?? null;
  const [state, setState] = useState<Read<AnswerOf<R>>>({ path, ...NOTHING });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    // What was read at another address is not shown at this one.
    setState((before) => (before.path === path ? before : { path, ...NOTHING }));
    if (address === null) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = (): void => {
      timer = undefined;
      ask(address).then(
        (value) => isOver || setState({ path, value, problem: null, readAtMs: Date.now() }),
        (error: unknown) => isOver || setState((before) => ({ ...before, problem: toProblem(error) })),
      );
    };
    read();
    const stop = onChanges((changes) => {
      if (timer === undefined && isWatched(changes, watches)) timer = setTimeout(read, SETTLE_MS);
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
    };
  }, [path, turn]);
  const { value, problem, readAtMs } = state.path === path ? state : { ...NOTHING };
  return { value, problem, readAtMs, refresh: () => setTurn((before) => before + 1) };
}

function isWatched(changes: readonly LiveChange[], watches: readonly Watched[]): boolean {
  if (changes.length === 0) return true;
  return changes.some((change) =>
    watches.some(({ resource, id }) => resource === change.resource && (id === undefined || id === change.id)),
  );
}

function toProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) });
}
