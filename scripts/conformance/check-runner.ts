// Holds one runner against every rule of the protocol, and says of each whether it holds and what was seen instead.
import { describeError } from '../../shared/basics/errors.ts';
import { rules } from './rules.ts';
import { openSubject, type Rule, RuleBroken } from './subject.ts';

export type Verdict = {
  readonly rule: string;
  readonly says: string;
  readonly holds: boolean;
  /** What was seen instead; empty when it holds. */
  readonly seen: string;
};

export type CheckOptions = {
  /** Program and arguments of the runner. */
  readonly command: readonly string[];
  /** A package that it can load; null: the built-in one. */
  readonly releaseDir: string | null;
  /** Ids of rules; all of them when left out. */
  readonly only?: readonly string[];
  /** Hears each verdict as it comes. */
  readonly onVerdict?: (verdict: Verdict) => void;
};

/** One verdict per rule, in order. Throws when the program cannot be started or the release cannot be read. */
export async function checkRunner(options: CheckOptions): Promise<readonly Verdict[]> {
  const { command, releaseDir, only, onVerdict = () => undefined } = options;
  await assertUsable(command, releaseDir);
  const verdicts: Verdict[] = [];
  for (const rule of rules.filter(({ id }) => only?.includes(id) ?? true)) {
    const seen = await checkRule(rule, command, releaseDir);
    const verdict: Verdict = { rule: rule.id, says: rule.says, holds: seen === null, seen: seen ?? '' };
    verdicts.push(verdict);
    onVerdict(verdict);
  }
  return verdicts;
}

/** Otherwise every rule would be broken, and none of them the runner's fault. */
async function assertUsable(command: readonly string[], releaseDir: string | null): Promise<void> {
  const subject = openSubject(command, releaseDir);
  try {
    await subject.open().started;
  } catch (error) {
    throw new Error(`the runner cannot be started: ${describeError(error)}; check --command`);
  } finally {
    await subject.close();
  }
}

async function checkRule(rule: Rule, command: readonly string[], releaseDir: string | null): Promise<string | null> {
  const subject = openSubject(command, releaseDir);
  try {
    await rule.check(subject);
    return null;
  } catch (error) {
    if (error instanceof RuleBroken) return error.message;
    return `the rule could not be checked: ${describeError(error)}`;
  } finally {
    await subject.close();
  }
}
