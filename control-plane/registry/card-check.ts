// Whether a model card can be read, as findings of a check. Pure. A release without a card is as good as one with.
import type { CheckReport, Finding } from '../../shared/protocol/api-releases.ts';
import { readModelCard } from '../../shared/release/model-card.ts';

export function judgeCard(report: CheckReport, readme: string | undefined): CheckReport {
  if (readme === undefined) return report;
  const read = readModelCard(readme);
  const told: readonly Finding[] = read.ok
    ? [{ check: 'card', ok: true, path: '', message: describeCard(read.card) }]
    : read.problems.map(({ line, path, message }) => {
        const where = path === '' ? '' : `${path}: `;
        return { check: 'card', ok: false, path: `README.md:${line}`, message: `${where}${message}` };
      });
  return { ...report, ok: report.ok && read.ok, findings: [...report.findings, ...told] };
}

function describeCard({
  license,
  results,
  datasets,
}: {
  license: string[];
  results: unknown[];
  datasets: string[];
}): string {
  const said = license.length === 0 ? 'no licence named' : `licence ${license.join(', ')}`;
  return `${said}, ${datasets.length} data sets, ${results.length} results`;
}
