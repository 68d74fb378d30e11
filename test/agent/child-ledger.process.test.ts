// Processes that outlive a killed agent: real ones, stopped so that nothing but a kill ends them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChildLedger } from '../../agent/child-ledger.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { statOf } from './agent-rig.ts';

type Listed = { readonly pid: number; readonly startedAt: string };
type Ledger = { readonly bootId: string; readonly agent: Listed; readonly children: readonly Listed[] };

const MODULE = new URL('../../agent/child-ledger.ts', import.meta.url).href;
/** An agent reduced to its ledger and one child that stands still. */
const DOOMED = `
  import { spawn } from 'node:child_process';
  import { openChildLedger } from ${JSON.stringify(MODULE)};
  const none = () => {};
  openChildLedger(process.argv[1], { debug: none, info: none, warn: none, error: none });
  const child = spawn('sleep', ['600']);
  child.kill('SIGSTOP');
`;

let dataDir: string;
let agents: ChildProcess[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'belay-ledger-'));
  agents = [];
});
afterEach(() => {
  for (const agent of agents) agent.kill('SIGKILL');
  for (const { pid } of ledger()?.children ?? []) end(pid);
  rmSync(dataDir, { recursive: true, force: true });
});

function ledger(): Ledger | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'processes.json'), 'utf8')) as Ledger;
  } catch {
    return null;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`still waiting for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An agent with a stopped child that its ledger knows. */
async function startAgent(): Promise<{ agent: ChildProcess; child: Listed }> {
  const agent = spawn(process.execPath, ['--input-type=module', '-e', DOOMED, dataDir], { stdio: 'ignore' });
  agents.push(agent);
  await until('the child in the ledger', () => (ledger()?.children.length ?? 0) > 0);
  const [child] = ledger()?.children ?? [];
  if (!child) throw new Error('no child');
  await until('the child stands still', () => statOf(child.pid)?.[0] === 'T');
  return { agent, child };
}

async function crash(agent: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill('SIGKILL');
  await ended;
}

describe('the ledger of processes', () => {
  it('ends what a killed agent has left behind, also when it stands still', async () => {
    const { agent, child } = await startAgent();
    await crash(agent);
    expect(statOf(child.pid)?.[0]).toBe('T');
    const log = openRecordingLog();
    const next = openChildLedger(dataDir, log);
    await until('its end', () => statOf(child.pid) === null);
    expect(log.entries).toMatchObject([{ fields: { pid: child.pid }, message: expect.stringMatching(/left behind/) }]);
    next.close();
    expect(ledger()).toBeNull();
  });

  it('leaves a process alone that only has the same number', async () => {
    const { agent, child } = await startAgent();
    await crash(agent);
    const found = ledger();
    const other = { ...child, startedAt: String(Number(child.startedAt) - 1) };
    writeFileSync(join(dataDir, 'processes.json'), JSON.stringify({ ...found, children: [other] }));
    openChildLedger(dataDir, openRecordingLog()).close();
    expect(statOf(child.pid)?.[0]).toBe('T');
    end(child.pid);
  });

  it('leaves processes of another boot and of a running agent alone', async () => {
    const { agent, child } = await startAgent();
    const found = ledger();
    const log = openRecordingLog();
    openChildLedger(dataDir, log).close();
    expect(log.entries).toMatchObject([{ message: expect.stringMatching(/another agent/) }]);
    await crash(agent);
    writeFileSync(join(dataDir, 'processes.json'), JSON.stringify({ ...found, bootId: 'another' }));
    openChildLedger(dataDir, openRecordingLog()).close();
    expect(statOf(child.pid)?.[0]).toBe('T');
    end(child.pid);
  });

  it('begins anew on a file that cannot be read', () => {
    writeFileSync(join(dataDir, 'processes.json'), '{"bootId":');
    const next = openChildLedger(dataDir, openRecordingLog());
    expect(ledger()?.agent.pid).toBe(process.pid);
    next.close();
  });
});
