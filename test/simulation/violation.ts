// A broken promise, with everything that is needed to look at it again. Thrown by the checker, told by the report.

export type ViolationFacts = {
  readonly invariant: string;
  readonly message: string;
  readonly device: string | null;
  readonly atMs: number;
};

export class Violation extends Error {
  readonly facts: ViolationFacts;

  constructor(facts: ViolationFacts) {
    super(`${facts.invariant}: ${facts.message}`);
    this.name = 'Violation';
    this.facts = facts;
  }
}
