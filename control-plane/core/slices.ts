// Parts of the fleet that are judged on their own: a fault of one hardware class drowns in the mean over all of them.
// Which ones there are follows from the plan alone, as they share the error that is allowed.

import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { AnalysisSpec } from '../../shared/rollout/rollout-file.ts';
import type { SliceVerdict, Verdict } from '../../shared/rollout/verdict.ts';
import { sum } from './device-metrics.ts';
import type { Evidence } from './evidence.ts';
import { judge, type Rule, type Span } from './judge.ts';
import { rememberGroups } from './uncertainty.ts';

type Placed = { readonly site: string; readonly hardwareClass?: string | undefined };
export type Slice = {
  readonly name: string;
  readonly kind: 'hardware' | 'site';
  readonly holds: (device: Placed) => boolean;
};

/** Slices that differ from the whole. */
export function slicesOf(wanted: AnalysisSpec['slices'], devices: readonly Placed[]): readonly Slice[] {
  const classes = new Set(devices.map(({ hardwareClass }) => hardwareClass ?? ''));
  const sites = new Map<string, number>();
  for (const { site } of devices) sites.set(site, (sites.get(site) ?? 0) + 1);
  const least = Math.min(
    ...wanted.filter((name) => name.startsWith('factory')).map((name) => Number(name.split('>=')[1] ?? 1)),
  );
  const large = [...sites].filter(([, count]) => count >= least).map(([site]) => site);
  return [
    ...(wanted.includes('hardwareClass') && classes.size > 1 ? [...classes].sort().map(classSlice) : []),
    ...(sites.size > 1 ? large.sort().map(siteSlice) : []),
  ];
}

function classSlice(name: string): Slice {
  return { name, kind: 'hardware', holds: ({ hardwareClass }) => hardwareClass === name };
}

function siteSlice(name: string): Slice {
  return { name, kind: 'site', holds: ({ site }) => site === name };
}

/** Fewer devices than this are shown, not judged. */
const DEVICES_MIN = 2;

/** The verdict on the whole, unless a slice breaks the limit: then that one, by name. `rule.alpha` is that of the guardrail. */
export function judgeScopes(
  guardrail: Guardrail,
  evidence: Evidence,
  given: Rule & { readonly slices: readonly Slice[] },
): Verdict {
  const { slices, ...rule } = given;
  if (slices.length === 0 || evidence.kind === 'golden' || guardrail.objective) return judge(guardrail, evidence, rule);
  // Half for the whole, however many parts there are: each part that is added would make the whole blinder otherwise.
  const half = { ...rule, alpha: rule.alpha / 2, groupsOf: rule.groupsOf ?? rememberGroups() };
  const whole = judge(guardrail, evidence, half);
  const judged = slices.map((slice) =>
    judgeSlice(guardrail, evidence, { rule: { ...half, alpha: half.alpha * shareOf(slice, slices) }, slice }),
  );
  const worst = whole.verdict === 'breach' ? undefined : judged.find(({ verdict }) => verdict === 'breach');
  return { ...(worst ?? whole), slices: judged.map(summarise) };
}

/** Classes together as much as sites together: many sites would leave nothing to a fault of one class, and a site is the rarer cause. */
function shareOf({ kind }: Slice, slices: readonly Slice[]): number {
  const kinds = new Set(slices.map((slice) => slice.kind)).size;
  return 1 / kinds / slices.filter((slice) => slice.kind === kind).length;
}

function judgeSlice(
  guardrail: Guardrail,
  evidence: Evidence,
  { rule, slice }: { readonly rule: Rule; readonly slice: Slice },
): Verdict {
  const part = (span: Span) => ({ ...span, evidence: only(span.evidence, slice) });
  const { finished } = rule.windows;
  const windows = { ...rule.windows, finished: finished && { ...finished, ...part(finished) } };
  const verdict = judge(guardrail, only(evidence, slice), {
    ...rule,
    windows,
    recent: rule.recent && part(rule.recent),
    slice: slice.name,
  });
  return verdict.n >= DEVICES_MIN ? verdict : { ...verdict, verdict: 'no-data' };
}

/** Its candidates; controls stay, as each candidate is compared with those like it anyway. */
function only(evidence: Evidence, { holds }: Slice): Evidence {
  if (evidence.kind === 'golden') return evidence;
  if (evidence.kind === 'changes') {
    const candidates = evidence.candidates.filter(holds);
    return { ...evidence, candidates, evaluated: candidates.length };
  }
  const devices = evidence.devices.filter(holds);
  return { ...evidence, devices, evaluated: devices.length, count: sum(devices, ({ total }) => total) };
}

function summarise({ slice, verdict, n, estimate, low, high }: Verdict): SliceVerdict {
  return { slice: slice ?? '', verdict, n, estimate, low, high };
}
