// Reads an address again and again by itself: the kill page depends on no stream.
import { useEffect, useState } from 'preact/hooks';
import type { Address } from '../../../../shared/protocol/address.ts';
import type { AnswerOf, Route } from '../../../../shared/protocol/endpoints.ts';
import { ApiProblem, ask } from '../../api.ts';

export type Polled<T> = {
  readonly value: T | null;
  readonly problem: ApiProblem | null;
  readonly readAtMs: number | null;
};

/** `nextMs` says how long to wait after each answer. */
export function usePoll<R extends Route>(
  address: Address<R>,
  nextMs: (value: AnswerOf<R> | null) => number,
): Polled<AnswerOf<R>> {
  type T = AnswerOf<R>;
  const [state, setState] = useState<Polled<T>>({ value: null, problem: null, readAtMs: null });
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (value: T | null): void => {
      if (!isOver) timer = setTimeout(read, nextMs(value));
    };
    const read = (): void => {
      ask(address).then(
        (value) => {
          if (!isOver) setState({ value, problem: null, readAtMs: Date.now() });
          again(value);
        },
        (error: unknown) => {
          const problem = error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) });
          if (!isOver) setState((before) => ({ ...before, problem }));
          again(null);
        },
      );
    };
    read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [address.path]);
  return state;
}
