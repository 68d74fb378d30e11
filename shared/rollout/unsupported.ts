// Fields of the rollout language that this version does not act on: refused with what to do instead, never silently ignored.

/** Dotted pattern of the parent (`[]` = any item) → field → what holds today. */
const UNSUPPORTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  spec: {
    requires: 'registration and golden set are always required',
    prewarm: 'every candidate is loaded and proven before it may answer',
    objectives: 'write a guardrail, or promote by hand (promote: manual)',
    after: 'the baseline stays installed',
    strategy: 'write stages',
  },
  'spec.schedule': { coverPeakShift: 'let the bake time of a stage include the peak shift' },
  'spec.promotion': {
    auto: 'set "promote" on each stage',
    order: 'every enforced guardrail must allow it',
  },
  'spec.promotion.inconclusive': { page: '"rollout wait" ends with exit code 9 when it is held' },
  'spec.cohort': {
    onBlocked: 'blocked devices are listed and hold the rollout',
  },
  'spec.stages[]': {
    maxExtraLoad: 'use sampleEvery',
    signoff: 'use promote: approval',
    route: 'the unit is the device',
    duration: 'use bake',
  },
  'spec.analysis': {
    method: 'there is one method',
    baselineWindow: 'the last two hours before the start are used',
    tick: 'set by the control plane',
  },
  'spec.analysis.missing': { over: 'silent devices always hold', maxOffline: 'use maxSilent' },
  'spec.guardrails[]': {
    device: 'device limits are set under spec.limits',
    scope: 'use stages or per: class',
  },
  'spec.abort': {
    killSwitch: 'a kill always outranks the rollout',
  },
};

/** The explanation for a known but unsupported field, or null. `parent` is a path such as `spec.stages[1]`. */
export function unsupportedField(parent: string, field: string): string | null {
  const instead = UNSUPPORTED[parent.replace(/\[\d+\]/g, '[]')]?.[field];
  return instead === undefined ? null : `not supported yet: ${field} (${instead})`;
}
