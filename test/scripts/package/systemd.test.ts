// The units as they are shipped, judged by systemd's own tools.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEAN_SUPERVISOR, ONE_ARENA } from '../../../agent/small-memory.ts';

const UNITS = new URL('../../../scripts/package/systemd/', import.meta.url).pathname;
const units = readdirSync(UNITS).filter((name) => name.endsWith('.service'));
/** In tenths: 2.0. */
const EXPOSURE_MAX = '20';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-units-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The installed places are not on this machine: the unit as it would be with this Node and this tree. */
function unitHere(name: string): string {
  const tree = new URL('../../../', import.meta.url).pathname;
  const text = readFileSync(join(UNITS, name), 'utf8');
  const placed = text.replaceAll('/usr/lib/belay/node', process.execPath).replaceAll('/usr/lib/belay/', tree);
  const path = join(folder, name);
  writeFileSync(path, placed);
  return path;
}

function settingOf(name: string, key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(readFileSync(join(UNITS, name), 'utf8'))?.[1];
}

describe.each(units)('%s', (name) => {
  it('exposes no more than 2.0 of 10, as systemd-analyze counts', () => {
    const options = ['security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, '--no-pager', join(UNITS, name)];
    const { error, status, stdout } = spawnSync('systemd-analyze', options, { encoding: 'utf8' });
    // Without the tool (Debian: systemd) nothing is known of the units: that is no pass.
    expect(error).toBeUndefined();
    const level = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
    expect(Number(level)).toBeLessThanOrEqual(2);
    expect(status).toBe(0);
  });

  it('is understood by systemd without a complaint', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unitHere(name)], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('starts a program that is in the tree', () => {
    const [, script = ''] =
      /ExecStart=\/usr\/lib\/belay\/node (?:--\S+ )*\/usr\/lib\/belay\/(\S+)/.exec(
        readFileSync(join(UNITS, name), 'utf8'),
      ) ?? [];
    const version = execFileSync(process.execPath, [new URL(`../../../${script}`, import.meta.url).pathname, '--help']);
    expect(String(version)).toContain('--config FILE');
  });
});

describe('belay-agent.service', () => {
  const agent = 'belay-agent.service';
  it('lets the agent’s own children speak for it, and gives it the time that it promises to need', () => {
    expect(settingOf(agent, 'NotifyAccess')).toBe('all');
    expect(Number(settingOf(agent, 'TimeoutStartSec'))).toBeGreaterThan(90);
    expect(Number(settingOf(agent, 'TimeoutStopSec'))).toBeGreaterThan(3);
  });

  it('starts the agent with the small heap that its children have', () => {
    const text = readFileSync(join(UNITS, agent), 'utf8');
    for (const [name, value] of Object.entries(ONE_ARENA)) expect(text).toContain(`\nEnvironment=${name}=${value}\n`);
    expect(settingOf(agent, 'ExecStart')).toContain(` ${LEAN_SUPERVISOR.join(' ')} /usr/lib/belay/agent/main.ts`);
  });

  it('keeps a kill file over a restart, and never gives up starting', () => {
    expect(settingOf(agent, 'RuntimeDirectoryPreserve')).toBe('yes');
    expect(settingOf(agent, 'StartLimitIntervalSec')).toBe('0');
    expect(settingOf(agent, 'Restart')).toBe('always');
  });
});
