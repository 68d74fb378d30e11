// The words of rollouts, read once: a stored text never changes, and reading it takes longer than everything else in a list.
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Rollout } from './rollout-rows.ts';

/** As many as a page of the list shows at most; those asked for longest ago make room. */
const KEPT_MAX = 1000;

export class SpecShelf {
  readonly #specs = new Map<string, RolloutSpec | null>();

  /** Null: this version can no longer read it. */
  of({ fileHash, fileText }: Pick<Rollout, 'fileHash' | 'fileText'>): RolloutSpec | null {
    const known = this.#specs.get(fileHash);
    const spec = known === undefined ? read(fileText) : known;
    this.#specs.delete(fileHash);
    this.#specs.set(fileHash, spec);
    for (const oldest of this.#specs.keys()) {
      if (this.#specs.size <= KEPT_MAX) break;
      this.#specs.delete(oldest);
    }
    return spec;
  }
}

function read(fileText: string): RolloutSpec | null {
  const file = readRolloutFile(fileText);
  return file.ok ? file.value.spec : null;
}
