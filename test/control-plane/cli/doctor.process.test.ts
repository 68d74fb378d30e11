// belay doctor: what figures mean, and the whole of it against a real control plane with sign-in.
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderFinding } from '../../../control-plane/cli/commands/doctor.ts';
import { judgeClock, judgeDisk, judgeExpiry, judgeNode, judgeStatus } from '../../../control-plane/cli/doctor/judge.ts';
import { knockAtBroker } from '../../../control-plane/cli/doctor/knock.ts';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { VERSION } from '../../../control-plane/cli/version.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';
import { status } from './recorded-documents.ts';
import { plain } from './render/tints.ts';
import { runBelay } from './run-belay.ts';

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

describe('what figures mean', () => {
  it.each([
    ['node', judgeNode('v24.21.0'), 'ok'],
    ['node', judgeNode('v22.1.0'), 'fail'],
    ['clock', judgeClock(1000, 1500, 400), 'ok'],
    ['clock', judgeClock(10_000, 1500, 400), 'warn'],
    ['clock', judgeClock(90_000, 1500, 400), 'fail'],
    ['token', judgeExpiry('token', 40 * DAY_MS, 0, 'x'), 'ok'],
    ['token', judgeExpiry('token', 5 * DAY_MS, 0, 'x'), 'warn'],
    ['token', judgeExpiry('token', DAY_MS, DAY_MS, 'x'), 'fail'],
    ['disk', judgeDisk('/data', 20 * GIB), 'ok'],
    ['disk', judgeDisk('/data', GIB), 'warn'],
    ['disk', judgeDisk('/data', GIB / 4), 'fail'],
  ])('%s %o', (check, finding, state) => {
    expect(finding).toMatchObject({ check, state });
    expect(finding.fix === null).toBe(state === 'ok');
  });

  it('of a fleet: who is silent, where, and what to ask next', () => {
    const findings = judgeStatus(status({ devices: { total: 6, online: 5 } }), VERSION);
    expect(findings.find(({ check }) => check === 'agents')).toMatchObject({
      state: 'warn',
      text: expect.stringContaining('1 of 6'),
    });
    expect(judgeStatus(status({}), '9.9.9').find(({ check }) => check === 'version')?.state).toBe('warn');
  });

  it('has a line for what is well, and one more for the fix', () => {
    expect(renderFinding(judgeDisk('/data', GIB), plain)).toMatch(
      /^warn {2}disk {11}1\.0 GiB free at \/data\n {21}→ free some space/,
    );
  });
});

describe('a knock at the broker', () => {
  let stranger: Server;
  afterAll(() => stranger?.close());

  it('finds out when something else listens there, and when nothing does', async () => {
    stranger = createServer((socket) => socket.end('HTTP/1.1 400\r\n\r\n'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const port = (stranger.address() as AddressInfo).port;
    expect(await knockAtBroker(`mqtt://127.0.0.1:${port}`)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('not as an MQTT broker'),
    });
    expect(await knockAtBroker('mqtt://127.0.0.1:1')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

/** Where somebody listened a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('against a real control plane', () => {
  let bench: PlaneBench;
  let home = '';
  beforeAll(async () => {
    bench = await openPlaneBench();
    home = await mkdtemp(path.join(tmpdir(), 'belay-doctor-'));
  });
  afterAll(async () => {
    await bench?.close();
    await rm(home, { recursive: true, force: true });
  });

  it('every part is looked at, and exit 0 says that nothing fails', async () => {
    const { code, stdout } = await runBelay(['doctor', '--json', '--data', bench.folder], { url: bench.plane.httpUrl });
    const { ok, findings } = JSON.parse(stdout) as {
      ok: boolean;
      findings: { check: string; state: string; text: string }[];
    };
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect([code, ok]).toEqual([EXIT.ok, true]);
    expect(states).toMatchObject({
      node: 'ok',
      'control plane': 'ok',
      clock: 'ok',
      broker: 'ok',
      database: 'ok',
      audit: 'ok',
      messages: 'ok',
    });
    expect(states['signed in']).toBe('warn');
    expect(states.disk).toBeDefined();
    expect(findings.find(({ check }) => check === 'broker')?.text).toContain('it wants a password');
  });

  it('is exit 1, with the fix, when there is nobody', async () => {
    const { code, stdout } = await runBelay(['doctor'], { url: `http://127.0.0.1:${await closedPort()}` });
    expect(code).toBe(EXIT.failed);
    expect(stdout).toMatch(
      /^fail {2}control plane {2}http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n {21}→ is it running \(belay up\)\?/m,
    );
  });
});
