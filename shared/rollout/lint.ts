// Everything that can be said about a rollout file without a control plane: mistakes, and warnings that are none.
import { type FileWarning, fileWarnings, stepWarnings } from './file-warnings.ts';
import { leaseWarnings } from './lease-section.ts';
import { type FileProblem, pathText, placeInText, readRolloutFile } from './read-rollout-file.ts';

export type LintReport = {
  /** The file cannot be started. */
  readonly problems: readonly FileProblem[];
  /** It can be started, and may not do what its writer expects. Looked for only when there are no mistakes. */
  readonly warnings: readonly FileProblem[];
};

/** `devicesPerSite`: of the smallest site, when known; steps that it cannot show are warned of. */
export function lintRolloutFile(text: string, devicesPerSite: number | null = null): LintReport {
  const read = readRolloutFile(text);
  if (!read.ok) return { problems: read.problems, warnings: [] };
  const file = read.value;
  const found: readonly FileWarning[] = [
    ...fileWarnings(file),
    ...leaseWarnings(file.spec.lease).map((message) => ({ path: ['spec', 'lease'], message })),
    ...(devicesPerSite === null ? [] : stepWarnings(file, devicesPerSite)),
  ];
  const warnings = found.map(({ path, message }) => ({ ...placeInText(text, path), path: pathText(path), message }));
  return { problems: [], warnings: warnings.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}
