// The written documents: the same record gives the same text, and no word of a device or caller becomes markup.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHtml, toMarkdown } from '../../../control-plane/reports/document.ts';
import { incidentDocument } from '../../../control-plane/reports/incident-document.ts';
import { releaseDocument } from '../../../control-plane/reports/report-document.ts';
import { INCIDENT, RELEASE_REPORT } from './recorded-reports.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

describe('an incident note', () => {
  it('is written as in the golden file', () => {
    expect(toMarkdown(incidentDocument(INCIDENT))).toBe(golden('incident.golden.md'));
  });

  it('says what is missing instead of leaving it out', () => {
    const early = {
      ...INCIDENT,
      state: 'rolling_back' as const,
      telemetry: null,
      verification: null,
      closedAtMs: null,
      devices: [],
      notes: [],
      people: [],
    };
    const text = toMarkdown(incidentDocument({ ...early, rollForward: null, verdicts: [], timelineOmitted: 7 }));
    for (const words of [
      'Not taken yet.',
      'none yet',
      'still open',
      'No device had the candidate.',
      'Belay decided alone',
    ])
      expect(text).toContain(words);
    expect(text).toContain('Next: belay incident annotate i-detector-2-1-4 --roll-forward');
    expect(text).toContain('7 later entries are left out here.');
  });

  it('lets nobody write markup, lines or cells of its own into it', () => {
    const notes = [{ atMs: 0, actor: 'a|b', text: '<script>alert(1)</script>\n# owned [x](http://evil)' }];
    const markdown = toMarkdown(incidentDocument({ ...INCIDENT, notes }));
    expect(markdown).toContain('a\\|b: \\<script\\>alert(1)\\</script\\> \\# owned \\[x\\](http://evil)');
    const html = toHtml(incidentDocument({ ...INCIDENT, notes }));
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;script&gt;');
  });
});

describe('a release report', () => {
  it('is written as in the golden file', () => {
    expect(toMarkdown(releaseDocument(RELEASE_REPORT))).toBe(golden('release-report.golden.md'));
  });

  it('is one HTML file that loads nothing', () => {
    const html = toHtml(releaseDocument(RELEASE_REPORT));
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import/);
    expect(html).toContain("default-src 'none'");
    expect(html.match(/<table>/g)?.length).toBeGreaterThan(4);
    expect(html).toContain('<td>+9.5 … +10.4 %</td>');
  });

  it('shows the parts of the fleet that were judged on their own', () => {
    const [rollout] = RELEASE_REPORT.rollouts;
    const slices = [{ slice: 'orin-nano', verdict: 'breach' as const, n: 3, estimate: 31, low: 22, high: 40 }];
    const guardrails =
      rollout?.guardrails.map((judged) => ({ ...judged, verdict: { ...judged.verdict, slices } })) ?? [];
    const rollouts = RELEASE_REPORT.rollouts.map((each) => ({ ...each, guardrails }));
    const text = toMarkdown(releaseDocument({ ...RELEASE_REPORT, rollouts }));
    expect(text).toContain('| some | p95 latency, orin-nano | ≤ +10 % | +31 % | +22 … +40 % | 3 | – | breach |  |');
  });

  it('says so when a release was never rolled out', () => {
    expect(toMarkdown(releaseDocument({ ...RELEASE_REPORT, rollouts: [] }))).toContain(
      'It has not been rolled out yet.',
    );
  });
});
