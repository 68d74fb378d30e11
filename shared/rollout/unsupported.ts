// Fields of the rollout language that this version does not act on: refused with what to do instead, never silently ignored.

/** Dotted pattern of the parent (`[]` = any item) → field → what holds today. */
const UNSUPPORTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  spec: {
    strategy: 'write stages',
  },
  'spec.stages[]': {
    route:
      'a stage moves whole devices: routes by what is in a frame, with a gate for each branch, come later; until then keep the branches on lines of their own, with a rollout each',
    duration: 'use bake',
  },
};

/** The explanation for a known but unsupported field, or null. `parent` is a path such as `spec.stages[1]`. */
export function unsupportedField(parent: string, field: string): string | null {
  const instead = UNSUPPORTED[parent.replace(/\[\d+\]/g, '[]')]?.[field];
  return instead === undefined ? null : `not supported yet: ${field} (${instead})`;
}
