// Fields of the rollout language that this version does not act on: refused with what to do instead, never silently ignored.

/** Dotted pattern of the parent (`[]` = any item) → field → what holds today. */
const UNSUPPORTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  metadata: { labels: 'leave it out', ticket: 'put it in the reason of "rollout start"' },
  spec: {
    requires: 'registration and golden set are always required',
    prewarm: 'every candidate is loaded and proven before it may answer',
    schedule: 'start it when it may run; "rollout hold" stops growth',
    objectives: 'write a guardrail, or promote by hand (promote: manual)',
    promotion: 'set "promote" and "extend" on each stage',
    after: 'the baseline stays installed',
    strategy: 'write stages',
  },
  'spec.cohort': {
    where: 'narrow it by factories, exclude and pin',
    stratifyBy: 'always by factory and hardware class',
    clusterBy: 'the unit is the device',
    newDevices: 'devices that join later stay on the baseline as controls',
    reenrol: 'the same hardware id keeps its place',
    onBlocked: 'blocked devices are listed and hold the rollout',
  },
  'spec.stages[]': {
    minDevicesPerHw: 'the order alternates hardware classes by itself',
    maxExtraLoad: 'use sampleEvery',
    signoff: 'use promote: manual',
    approvals: 'use promote: manual',
    holdback: 'pin devices to the baseline (cohort.pin.baseline)',
    soak: 'use bake',
    judge: 'a stage is judged by its guardrails',
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
    onBreach: 'set "enforce" on each guardrail',
    factoryScope: 'a breach is fleet-wide',
    killSwitch: 'a kill always outranks the rollout',
    verify: 'a rollback ends when every reachable device reports the baseline answering',
    cooldown: 'start a new rollout by hand',
  },
};

/** The explanation for a known but unsupported field, or null. `parent` is a path such as `spec.stages[1]`. */
export function unsupportedField(parent: string, field: string): string | null {
  const instead = UNSUPPORTED[parent.replace(/\[\d+\]/g, '[]')]?.[field];
  return instead === undefined ? null : `not supported yet: ${field} (${instead})`;
}
