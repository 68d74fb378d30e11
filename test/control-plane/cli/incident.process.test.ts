// belay incident and the two reports: what is printed, what is sent, and how a wrong use ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { annotateBodySchema, incidentSummarySchema } from '../../../shared/protocol/api-incidents.ts';
import { INCIDENT, RELEASE_REPORT } from '../reports/recorded-reports.ts';
import { release } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());

const belay = (...args: string[]) => runBelay(args, { url: server.url });
const ID = INCIDENT.id;

describe('belay incident', () => {
  it('lists what happened, newest first, and says when nothing did', async () => {
    const incidents = [incidentSummarySchema.parse(INCIDENT)];
    server.answer({ 'GET /v1/incidents*': { body: { incidents } } });
    const { code, stdout } = await belay('incident', 'list', '--rollout', 'detector-2');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(/i-detector-2-1-4\s+rolled-back\s+closed\s+cv-detector:2\.0\.0/);
    expect(server.requests[0]?.path).toContain('rollout=detector-2');
    server.answer({ 'GET /v1/incidents*': { body: { incidents: [] } } });
    expect((await belay('incident', 'list')).stdout).toBe('No incidents.\n');
    expect(JSON.parse((await belay('incident', 'list', '--json')).stdout)).toEqual({ incidents: [] });
  });

  it('shows one: why, whether it is verified, how it goes on, and what became of the devices', async () => {
    server.answer({ [`GET /v1/incidents/${ID}`]: { body: INCIDENT } });
    const { code, stdout } = await belay('incident', 'get', ID);
    expect(code).toBe(EXIT.ok);
    for (const words of [
      'verified: p95 latency +0.4 %',
      'roll forward: 2.0.1',
      'plant-a/cam-1: answered',
      'rollback at some',
    ])
      expect(stdout).toContain(words);
    expect(stdout).not.toContain('plant-a/cam-3');
    expect(JSON.parse((await belay('incident', 'get', ID, '--json')).stdout)).toEqual(INCIDENT);
  });

  it('annotates with a note, a plan, or both, and not with nothing', async () => {
    server.answer({ [`POST /v1/incidents/${ID}/annotate`]: { body: INCIDENT } });
    const { code } = await belay('incident', 'annotate', ID, '--note', 'too slow', '--roll-forward', '2.0.1');
    expect(code).toBe(EXIT.ok);
    const { body } = server.last(`POST /v1/incidents/${ID}/annotate`) ?? {};
    expect(annotateBodySchema.parse(body)).toEqual({ actor: 'lead', text: 'too slow', rollForward: '2.0.1' });
    const nothing = await belay('incident', 'annotate', ID);
    expect(nothing).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('--note') });
  });

  it('exports the note as it is sent, and tells an unknown one or format from a fault', async () => {
    server.answer({ [`GET /v1/incidents/${ID}/export*`]: { body: '# Incident\n', type: 'text/markdown' } });
    expect((await belay('incident', 'export', ID)).stdout).toBe('# Incident\n');
    expect(server.requests.at(-1)?.path).toContain('format=md');
    await belay('incident', 'export', ID, '--json');
    expect(server.requests.at(-1)?.path).toContain('format=json');
    expect((await belay('incident', 'export', ID, '--format', 'pdf')).code).toBe(EXIT.usage);
    server.answer({ 'GET /v1/incidents/*': problem('not-found', 'no incident is called "x"') });
    expect((await belay('incident', 'export', 'x')).code).toBe(EXIT.notFound);
    expect((await belay('incident', 'get', 'x')).code).toBe(EXIT.notFound);
  });
});

describe('reports', () => {
  it('of a rollout and of a release are printed in the format that is asked for', async () => {
    server.answer({
      'GET /v1/rollouts/ro-7q2/report*': { body: '# Rollout\n', type: 'text/markdown' },
      'POST /v1/releases/lookup': { body: release() },
      'GET /v1/releases/*': { body: JSON.stringify(RELEASE_REPORT), type: 'application/json' },
    });
    expect(await belay('rollout', 'report', 'ro-7q2')).toMatchObject({ code: EXIT.ok, stdout: '# Rollout\n' });
    expect(server.requests.at(-1)?.path).toContain('format=md');
    const json = await belay('release', 'report', 'cv-detector:2.0.0', '--json');
    expect(JSON.parse(json.stdout)).toEqual(RELEASE_REPORT);
    expect(server.requests.at(-1)?.path).toContain(`/v1/releases/${release().digest}/report?format=json`);
    expect((await belay('release', 'report', 'cv-detector:2.0.0', '--format', 'pdf')).code).toBe(EXIT.usage);
  });
});
