// Whom the kernel takes first when the box runs out of memory: a shadow before a candidate before the baseline.
import { writeFileSync } from 'node:fs';
import type { RunnerRole } from './runner-wire.ts';

/** When memory runs out, the kernel should take a shadow before a candidate before a baseline before the supervisor. */
const OOM_SCORE: Readonly<Record<RunnerRole, number>> = { baseline: 300, candidate: 800, shadow: 900 };

export function volunteerForOutOfMemory(pid: number, role: RunnerRole): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(OOM_SCORE[role]));
  } catch {
    // It was not started, or a locked-down container refuses; then the kernel's own choice stands.
  }
}
