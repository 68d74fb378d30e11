// Evidence with a regression put in: every candidate device worse by the same amount, on the scale on which devices are compared.
import type { DeviceChange, DeviceShare, Evidence } from '../evidence.ts';
import type { Rule, Span } from '../judge.ts';
import { withMoreHits } from '../scatter.ts';

/** `amount` on the comparison scale; shares grow by it, whatever their sign. */
export function inject(evidence: Evidence, amount: number): Evidence {
  switch (evidence.kind) {
    case 'changes':
      return { ...evidence, candidates: evidence.candidates.map((device) => shift(device, amount)) };
    case 'shares':
      return { ...evidence, devices: evidence.devices.map((device) => addHits(device, Math.abs(amount))) };
    case 'golden':
      return {
        ...evidence,
        classes: evidence.classes.map((each) => ({
          ...each,
          candidate: each.candidate && { ...each.candidate, share: clamp(each.candidate.share + amount) },
        })),
      };
  }
}

/** The same in the parts of time that a rule looks at. A finished window is left out: its own luck is no sign of what can be seen. */
export function injectRule(rule: Rule, amount: number): Rule {
  const into = (span: Span): Span => ({ ...span, evidence: inject(span.evidence, amount) });
  return { ...rule, windows: { ...rule.windows, finished: null }, recent: rule.recent && into(rule.recent) };
}

/** The windows of a device move with it, so that their scatter stays. */
function shift(device: DeviceChange, amount: number): DeviceChange {
  return { ...device, change: device.change + amount };
}

/** Each window gets its part of them. */
function addHits(device: DeviceShare, share: number): DeviceShare {
  const hits = Math.min(device.total, device.hits + share * device.total);
  const more = device.total === 0 ? 0 : (hits - device.hits) / device.total;
  return { ...device, hits, windows: withMoreHits(device.windows, more) };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
