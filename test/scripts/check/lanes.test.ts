// Steps side by side: each told whole, a failure told and handed on whatever its sort, the order of what runs.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runInLanes, type Step, type StepKind } from '../../../scripts/check/lanes.ts';

const step = (name: string, kind: StepKind, program: string): Step => {
  return { name, kind, command: [process.execPath, '-e', program] };
};
/** Says its words one by one, with others in between. */
const slowly = (...words: readonly string[]) =>
  `const words = ${JSON.stringify(words)};
   const say = () => { const word = words.shift(); if (word) { process.stdout.write(word + '\\n'); setTimeout(say, 30); } };
   say();`;

async function check(steps: readonly Step[], kinds: readonly StepKind[], signal = new AbortController().signal) {
  const said: string[] = [];
  const failed = await runInLanes(steps, kinds, { cwd: '/', say: (text) => said.push(text), signal });
  return { failed, said, begun: said.flatMap((text) => /^── (.*) …\n$/.exec(text)?.[1] ?? []) };
}

describe('steps in lanes', () => {
  it('run at the same time and are told one after the other', async () => {
    const steps = [step('a', 'compute', slowly('a1', 'a2', 'a3')), step('b', 'wait', slowly('b1', 'b2', 'b3'))];
    const { failed, said } = await check(steps, ['compute', 'wait']);
    expect(failed).toEqual([]);
    expect(said.slice(0, 2)).toEqual(['── a …\n', '── b …\n']);
    const told = said.slice(2).toSorted();
    expect(told[0]).toMatch(/^\n── a ──\na1\na2\na3\n── a: passed in \d+\.\d s ──\n$/);
    expect(told[1]).toMatch(/^\n── b ──\nb1\nb2\nb3\n── b: passed in \d+\.\d s ──\n$/);
  });

  it('that fail are named in their order, with what they said, and stop nobody', async () => {
    const steps: readonly Step[] = [
      step('says why', 'compute', "process.stderr.write('no such thing'); process.exitCode = 3;"),
      step('good', 'compute', ''),
      step('killed', 'compute', "process.kill(process.pid, 'SIGKILL');"),
      { name: 'is not there', kind: 'compute', command: ['/no/such/program'] },
      step('good too', 'compute', ''),
    ];
    const { failed, said, begun } = await check(steps, ['compute']);
    expect(failed).toEqual(['says why', 'killed', 'is not there']);
    expect(begun).toHaveLength(5);
    const all = said.join('');
    expect(all).toMatch(/no such thing\n── says why: FAILED \(3\)/);
    expect(all).toContain('── killed: FAILED (137)');
    expect(all).toMatch(/ENOENT\n── is not there: FAILED \(127\)/);
  });

  it('are taken by the lane of their kind first, and by whoever is free then', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'belay-lanes-'));
    const file = JSON.stringify(path.join(folder, 'w3-ran'));
    const tellW1 = `require('node:fs').writeFileSync(${file}, '');`;
    const untilTold = `const look = setInterval(() => require('node:fs').existsSync(${file}) && clearInterval(look), 20);`;
    const steps = [
      step('w1', 'wait', untilTold),
      step('c1', 'compute', ''),
      step('w2', 'wait', ''),
      step('w3', 'wait', tellW1),
    ];
    const { begun, failed } = await check(steps, ['compute', 'wait']);
    expect(begun).toEqual(['c1', 'w1', 'w2', 'w3']);
    expect(failed).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('are ended when the whole is stopped, with what they started; what had not begun has not passed', async () => {
    const stopping = new AbortController();
    const endless = 'setInterval(() => {}, 1000);';
    // Its output ends when nobody holds it any more.
    const folder = await mkdtemp(path.join(tmpdir(), 'belay-lanes-'));
    const file = path.join(folder, 'started');
    const started = `require('node:fs').writeFileSync(${JSON.stringify(file)}, '');`;
    const parent = `require('node:child_process').spawn(process.execPath, ['-e', "${endless}"], { stdio: 'inherit' }); ${started} ${endless}`;
    const steps = [step('endless', 'compute', parent), step('later', 'compute', '')];
    const checking = check(steps, ['compute'], stopping.signal);
    await expect.poll(() => existsSync(file)).toBe(true);
    stopping.abort();
    const { failed, begun } = await checking;
    expect(failed).toEqual(['endless', 'later']);
    expect(begun).toEqual(['endless']);
    await rm(folder, { recursive: true });
  });
});
