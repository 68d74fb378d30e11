// The next steps: which releases should be held, and what each needs next. Level-triggered: asked after every event,
// from the state alone, and never remembers a plan.
import { beginAttempt, endAttempt } from './attempts.ts';
import type { Effect } from './effects.ts';
import { availableBytes, isProofFresh, isScoreRetried, mayRest } from './memory-mode.ts';
import { admitStep, isToBeAdmitted } from './memory-steps.ts';
import { prewarmOf } from './prewarm.ts';
import { adoptionOf, baselineChain, candidateOf, forbidden, wantedBaseline } from './serving.ts';
import { type CoreState, type Holding, holdingOf, type Priority, type ReleaseRef, withHolding } from './state.ts';
import { endRunner, isOnTrial } from './trouble.ts';
import { andThen, type Turn, turn } from './turn.ts';

/** `isOnlyProven`: nobody asks it anything, so without room for both it need not be loaded. */
type Want = {
  readonly ref: ReleaseRef;
  readonly priority: Priority;
  readonly prove: boolean;
  readonly isOnlyProven?: boolean;
};

/** Moves every holding one step towards what is wanted. */
export function planSteps(state: CoreState, nowMs: number): Turn {
  const wants = wantsOf(state, nowMs);
  let next = dropUnwanted(state, wants);
  for (const want of wants) next = andThen(next, (reached) => advance(reached, want, nowMs));
  next = andThen(next, (reached) => repairBaselines(reached, nowMs));
  return andThen(next, (reached) => scoreBaseline(reached, nowMs));
}

/** Digests whose files must stay, whatever the garbage collector thinks. */
export function keptDigests(state: CoreState): readonly string[] {
  const { committed, previous, factory } = state.durable;
  const refs = [committed, previous, factory, state.desired?.baseline, state.desired?.candidate];
  return [...new Set(refs.filter((ref) => ref != null).map((ref) => ref.digest))].sort();
}

function wantsOf(state: CoreState, nowMs: number): readonly Want[] {
  if (state.stopping) return [];
  const wants: Want[] = [];
  const base = wantedBaseline(state);
  if (base && !mayRest(state, base, nowMs)) wants.push({ ref: base, priority: 'baseline', prove: false });
  const adopted = adoptionOf(state);
  if (adopted) wants.push({ ref: adopted, priority: 'candidate', prove: true });
  const candidate = candidateOf(state);
  const role = state.desired?.candidate?.role;
  const priority = role === 'serve' ? 'candidate' : 'shadow';
  if (candidate) wants.push({ ref: candidate, priority, prove: true, isOnlyProven: role === 'prove' });
  return [...wants, ...warmFallbacks(state, wants)];
}

/** A release of the chain that is loaded anyway stays as a warm fallback while there is memory. */
function warmFallbacks(state: CoreState, wants: readonly Want[]): readonly Want[] {
  if (!hasMemory(state)) return [];
  return baselineChain(state)
    .filter((ref) => !wants.some((want) => want.ref.digest === ref.digest))
    .filter((ref) => holdingOf(state, ref).runner === 'loaded' && holdingOf(state, ref).failedAtMs === null)
    .map((ref) => ({ ref, priority: 'candidate' as const, prove: false }));
}

function hasMemory(state: CoreState): boolean {
  const available = availableBytes(state);
  return state.memory.mode === 'warm' && (available === null || available > state.memory.reserveBytes);
}

function dropUnwanted(state: CoreState, wants: readonly Want[]): Turn {
  let next = turn(state);
  for (const holding of state.holdings.values()) {
    const { digest } = holding.ref;
    if (wants.some((want) => want.ref.digest === digest)) continue;
    const isFetching = holding.files === 'fetching' && !baselineChain(state).some((ref) => ref.digest === digest);
    if (isFetching || holding.proof === 'proving') next = andThen(next, (reached) => cancelWork(reached, digest));
    if (holding.proof === 'passed' && holding.runner === 'none')
      next = andThen(next, (reached) => forget(reached, digest));
    if (holding.runner === 'loading' || holding.runner === 'loaded') {
      next = andThen(next, (reached) => letGo(reached, holding.ref));
    }
  }
  return next;
}

/** Stops a download or a proof; a start that ends by our own will is not counted. */
function cancelWork(state: CoreState, digest: string): Turn {
  const holding = state.holdings.get(digest);
  if (!holding) return turn(state);
  const isProving = holding.proof === 'proving';
  const idle: Holding = {
    ...holding,
    files: holding.files === 'fetching' ? 'unknown' : holding.files,
    proof: isProving ? 'none' : holding.proof,
  };
  const ended = isProving && holding.runner === 'none' ? endAttempt(state, digest) : state;
  return turn(withHolding(ended, idle), { kind: 'cancel', digest });
}

/** A proof counts for one stay: who comes back is proven afresh. */
function forget(state: CoreState, digest: string): Turn {
  const holding = state.holdings.get(digest);
  return turn(holding ? withHolding(endAttempt(state, digest), { ...holding, proof: 'none' }) : state);
}

/** Ended by our own will, so that start is not counted against it; a forbidden one ends at once. */
function letGo(state: CoreState, ref: ReleaseRef): Turn {
  const ended = endRunner(endAttempt(state, ref.digest), ref);
  const how = forbidden(state, ref.digest) === null ? ('gently' as const) : ('at-once' as const);
  const effects = ended.effects.map((effect) => (effect.kind === 'unload' ? { ...effect, how } : effect));
  return { state: ended.state, effects };
}

function advance(state: CoreState, want: Want, nowMs: number): Turn {
  const holding = holdingOf(state, want.ref);
  if (isHindered(holding, nowMs) || holding.files === 'fetching') return turn(state);
  if (holding.runner === 'loading' || holding.runner === 'ending' || holding.proof === 'proving') return turn(state);
  if (isToBeAdmitted(state, holding)) return admitStep(state, holding, nowMs, (next) => begin(next, want, nowMs));
  return begin(state, want, nowMs);
}

function begin(state: CoreState, want: Want, nowMs: number): Turn {
  const holding = holdingOf(state, want.ref);
  if (isHindered(holding, nowMs)) return turn(state);
  if (holding.files === 'unknown' && holding.runner === 'none')
    return fetchFiles(state, holding, isOnTrial(state, want.ref.digest) ? 'anywhere' : 'local');
  if (want.prove && holding.proof === 'none') return prove(state, holding);
  if (holding.runner === 'loaded') return prioritise(state, holding, want.priority);
  if (want.isOnlyProven === true && state.memory.mode !== 'warm') return turn(state);
  const loading: Holding = { ...holding, runner: 'loading', priority: want.priority };
  return turn(withHolding(state, loading), { kind: 'load', ref: holding.ref, priority: want.priority });
}

/** The proof runs in a process of its own, before the release may see a live frame; the attempt is counted first. */
function prove(state: CoreState, holding: Holding): Turn {
  const begun = holding.runner === 'none' ? beginAttempt(state, holding.ref.digest) : state;
  return turn(withHolding(begun, { ...holding, proof: 'proving' }), { kind: 'prove', ref: holding.ref });
}

function prioritise(state: CoreState, holding: Holding, priority: Priority): Turn {
  if (holding.priority === priority) return turn(state);
  const effect: Effect = { kind: 'prioritise', digest: holding.ref.digest, priority };
  return turn(withHolding(state, { ...holding, priority }), effect);
}

function fetchFiles(state: CoreState, holding: Holding, from: 'local' | 'anywhere'): Turn {
  return turn(withHolding(state, { ...holding, files: 'fetching' }), { kind: 'fetch', ref: holding.ref, from });
}

/** A given-up baseline whose files are missing or wrong is fetched again in the background. */
function repairBaselines(state: CoreState, nowMs: number): Turn {
  let next = turn(state);
  if (state.stopping) return next;
  for (const ref of baselineChain(state)) {
    const holding = holdingOf(state, ref);
    if (holding.failedAtMs === null || holding.files !== 'unknown' || isHindered(holding, nowMs)) continue;
    next = andThen(next, (reached) => fetchFiles(reached, holding, 'anywhere'));
  }
  return next;
}

/** Once per digest and when nothing else is under way, the committed baseline is scored on its golden set. */
function scoreBaseline(state: CoreState, nowMs: number): Turn {
  const { committed } = state.durable;
  const isCold = state.memory.mode === 'cold-baseline';
  const isKnown =
    (isCold ? isProofFresh(state, committed, nowMs) : state.proofs.has(committed.digest)) &&
    areStartsKnown(state, committed);
  if (state.stopping || state.scoring !== null || isKnown) return turn(state);
  // One that rests is asked in a process of its own, as any other; its place stays free.
  if ((holdingOf(state, committed).runner !== 'loaded' && !isCold) || isBusy(state)) return turn(state);
  const isRolloutInSight = state.desired?.candidate != null && state.desired.baseline.digest === committed.digest;
  if (nowMs < state.scoreAfterMs && (isScoreRetried(state, nowMs) || !isRolloutInSight)) return turn(state);
  return turn({ ...state, scoring: committed.digest }, { kind: 'score', ref: committed });
}

/** As often as the rollout in force asks for; a start that failed is not tried for ever. */
function areStartsKnown(state: CoreState, { digest }: ReleaseRef): boolean {
  return (state.proofs.get(digest)?.startsTried ?? 1) >= prewarmOf(state, digest).coldStartProbes;
}

/** A release is being loaded or proven. */
export function isBusy(state: CoreState): boolean {
  return [...state.holdings.values()].some((holding) => holding.runner === 'loading' || holding.proof === 'proving');
}

function isHindered(holding: Holding, nowMs: number): boolean {
  const { hindrance } = holding;
  return hindrance !== null && (hindrance.retryAtMs === null || hindrance.retryAtMs > nowMs);
}
