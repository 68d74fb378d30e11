// The alert rules and dashboards that are shipped: promtool's own unit tests, a runbook for each alert, dashboards that load.
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const FOLDER = join(import.meta.dirname, '../../../scripts/package');
const PROMETHEUS = join(FOLDER, 'prometheus');
const GRAFANA = join(FOLDER, 'grafana');

function promtool(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: PROMETHEUS, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Belay[A-Z]/),
          expr: z.string(),
          for: z.string(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
          annotations: z.strictObject({
            summary: z.string().max(120),
            description: z.string().regex(/ Next: \S/, 'says what to do next'),
            runbook: z.string(),
          }),
        }),
      ),
    }),
  ),
});
const alerts = rulesSchema
  .parse(parse(readFileSync(join(PROMETHEUS, 'alerts.yml'), 'utf8')))
  .groups.flatMap(({ rules }) => rules);

describe('the alert rules', () => {
  it('are valid, as is the example of a configuration that loads them', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
  });

  it('fire when they must and are silent before, by their unit tests', () => {
    expect(promtool('test', 'rules', 'alerts.test.yml')).toMatchObject({ status: 0 });
  });

  it('are all unit-tested, and each has its place in the runbook', () => {
    const tests = readFileSync(join(PROMETHEUS, 'alerts.test.yml'), 'utf8');
    const runbook = readFileSync(join(PROMETHEUS, 'README.md'), 'utf8');
    expect(alerts.length).toBeGreaterThan(10);
    for (const { alert, annotations } of alerts) {
      expect(tests).toContain(`alertname: ${alert}\n        exp_alerts:\n`);
      expect(runbook).toContain(`\n## ${alert}\n`);
      expect(annotations.runbook).toBe(`scripts/package/prometheus/README.md#${alert.toLowerCase()}`);
    }
  });
});

const source = z.object({ type: z.literal('prometheus'), uid: z.literal('$' + '{datasource}') });
const panelSchema = z.object({
  id: z.int().positive(),
  type: z.enum(['stat', 'timeseries', 'state-timeline']),
  title: z.string().min(3),
  description: z.string().min(3),
  datasource: source,
  gridPos: z.object({ x: z.int().min(0), y: z.int().min(0), w: z.int().positive(), h: z.int().positive() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }),
  targets: z
    .array(z.object({ refId: z.string(), datasource: source, expr: z.string().min(3), legendFormat: z.string() }))
    .min(1),
});
const dashboardSchema = z.object({
  uid: z.string().regex(/^belay-/),
  title: z.string(),
  schemaVersion: z.literal(39),
  tags: z.array(z.string()),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(panelSchema),
});

describe.each(readdirSync(GRAFANA))('the dashboard %s', (name) => {
  const dashboard = dashboardSchema.parse(JSON.parse(readFileSync(join(GRAFANA, name), 'utf8')));

  it('has a fixed uid, lets its data source be chosen, and uses the variables it has', () => {
    expect(dashboard.uid).toBe(`belay-${name.replace('.json', '')}`);
    const variables = new Set(dashboard.templating.list.map((variable) => variable.name));
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    const used = dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/\$\w+/g) ?? []));
    expect(used.filter((each) => !variables.has(each.slice(1)))).toEqual([]);
  });

  it('has panels side by side, none over another', () => {
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it('asks in a language that Prometheus understands', () => {
    const plain = (expr: string) => expr.replaceAll(/\$\w+/g, '.*');
    const rules = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => plain(expr)));
    const file = { groups: [{ name: 'd', rules: rules.map((expr, at) => ({ record: `r${at}`, expr })) }] };
    using folder = mkdtempDisposableSync(join(tmpdir(), 'belay-rules-'));
    const path = join(folder.path, 'panels.yml');
    writeFileSync(path, JSON.stringify(file));
    expect(promtool('check', 'rules', path)).toMatchObject({ status: 0 });
  });
});
