// Planted mistakes that the checker must catch: they test the tests. To add one, wrap a function of the program in
// agent-mutants.ts or plane-mutants.ts; nothing in the program itself knows of them.
import { AGENT_MUTANTS } from './agent-mutants.ts';
import type { Mutant } from './mutant.ts';
import { PLANE_MUTANTS } from './plane-mutants.ts';

export type MutantName = keyof typeof AGENT_MUTANTS | keyof typeof PLANE_MUTANTS;

export function allMutants(): Readonly<Record<MutantName, Mutant>> {
  return { ...AGENT_MUTANTS, ...PLANE_MUTANTS };
}

/** Null: there is none of that name. */
export function mutantNamed(name: string): Mutant | null {
  return Object.entries(allMutants()).find(([each]) => each === name)?.[1] ?? null;
}
