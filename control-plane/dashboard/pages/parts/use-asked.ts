// Something that is asked for with POST and comes a moment later at the same address: asked, then read until it is there.
import { useEffect, useState } from 'preact/hooks';
import type { Address } from '../../../../shared/protocol/address.ts';
import type { AnswerOf, Route } from '../../../../shared/protocol/endpoints.ts';
import { ApiProblem, ask } from '../../api.ts';

export type Asked<T> = {
  readonly value: T | null;
  readonly problem: ApiProblem | null;
  /** What the last POST answered. */
  readonly told: T | null;
  readonly again: () => void;
};

const POLL_MS = 800;

/** `address` null: nothing may be read. What was asked for before is read at once; `isWaiting`: it is not all there yet. */
export function useAsked<R extends Route>(
  address: Address<R> | null,
  request: () => Promise<AnswerOf<R>>,
  isWaiting: (value: AnswerOf<R>) => boolean,
): Asked<AnswerOf<R>> {
  type T = AnswerOf<R>;
  const path = address?.path ?? null;
  const [state, setState] = useState<State<T>>(NOTHING);
  const [turn, setTurn] = useState(0);
  const fail = (error: unknown): void => {
    const problem = error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) });
    setState((before) => ({ ...before, path, problem }));
  };
  useEffect(() => {
    if (address === null) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = (): void => {
      ask(address).then(
        (value) => {
          if (isOver) return;
          setState((before) => ({ ...before, path, value, problem: null }));
          if (isWaiting(value)) timer = setTimeout(read, POLL_MS);
        },
        (error: unknown) => isOver || fail(error),
      );
    };
    read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, turn]);
  const again = (): void => {
    if (path === null) return;
    request().then((told) => {
      setState((before) => ({ ...before, path, told }));
      setTurn((before) => before + 1);
    }, fail);
  };
  return { ...(state.path === path ? state : NOTHING), again };
}

type State<T> = Omit<Asked<T>, 'again'> & { readonly path: string | null };

const NOTHING = { path: null, value: null, problem: null, told: null } as const;
