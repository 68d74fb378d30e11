// The whole tree of commands: each says what it is for and has --json; what changes something has the options of a change.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROWS } from '../../../control-plane/cli/commands.ts';
import { EXIT, EXIT_CODES_HELP, exitCodeOfStatus } from '../../../control-plane/cli/exit-codes.ts';
import { openProgram } from '../../../control-plane/cli/open-program.ts';

type Command = Awaited<ReturnType<typeof openProgram>>;
type Leaf = { readonly name: string; readonly command: Command };

let program: Command;
let leaves: readonly Leaf[];
beforeAll(async () => {
  program = await openProgram(null);
  leaves = leavesOf(program, '');
});

function leavesOf(command: Command, path: string): readonly Leaf[] {
  return command.commands.flatMap((child) => {
    const name = `${path} ${child.name()}`.trim();
    return child.commands.length > 0 ? leavesOf(child, name) : [{ name, command: child }];
  });
}

const has = ({ command }: Leaf, option: string): boolean => command.options.some(({ long }) => long === option);

/** They print a script or help, or hand the terminal to another program. */
const NO_JSON = ['up', 'demo', 'help', 'completion', 'account reset-admin'];
/** What changes nothing at a control plane: everything else takes the options of a change, so a new verb cannot be forgotten. */
const CHANGES_NOTHING: Readonly<Record<string, readonly string[]>> = {
  '': ['up', 'demo', 'status', 'doctor', 'version', 'dashboard', 'kills', 'completion', 'help'],
  release: ['check', 'list', 'get', 'diff', 'report', 'import', 'init'],
  rollout: 'init lint schema import plan rehearse list get why wait report export archive'.split(' '),
  guardrail: ['test'],
  cohort: ['list', 'get', 'preview'],
  device: ['list', 'get', 'explain', 'logs', 'credentials'],
  site: ['get'],
  incident: ['list', 'get', 'export'],
  metrics: ['list'],
  drill: ['list', 'show'],
  webhook: ['list', 'log'],
  context: ['list', 'use', 'add', 'remove'],
  token: ['list'],
  account: ['list'],
  audit: ['list', 'verify', 'export'],
};
/** Of who signs in, and of nobody else: they ask for a password, or stand on this machine. */
const OWN = ['login', 'logout', 'whoami', 'account passwd', 'account reset-admin'];
/** Without a reason in the API. */
const NO_REASON = [
  ...['release add', 'incident annotate', 'metrics import', 'token create', 'token revoke'],
  ...['webhook test', 'webhook redeliver'],
];

function changes({ name }: Leaf): boolean {
  const [noun = '', verb] = name.split(' ');
  const [group, own] = verb === undefined ? ['', noun] : [noun, verb];
  return !OWN.includes(name) && !(CHANGES_NOTHING[group]?.includes(own) ?? false);
}

describe('every command', () => {
  it('of the list is the one that its file makes, with the same words', () => {
    const made = program.commands.filter((command) => command.name() !== 'help');
    expect(made.map((command) => ({ name: command.name(), description: command.description() }))).toEqual(
      ROWS.map(({ name, description }) => ({ name, description })),
    );
  });

  it('is listed without its file being loaded', async () => {
    const stubs = await openProgram('version');
    expect(stubs.commands.map((command) => command.name())).toEqual(program.commands.map((command) => command.name()));
    expect(stubs.commands.find((command) => command.name() === 'rollout')?.commands).toEqual([]);
  });

  it('says what it is for, and so does each of its options', () => {
    const silent = leaves.filter(({ command }) => command.description() === '').map(({ name }) => name);
    const mute = leaves.flatMap(({ name, command }) =>
      command.options.filter(({ description }) => description === '').map(({ flags }) => `${name} ${flags}`),
    );
    expect([silent, mute]).toEqual([[], []]);
    expect(leaves.length).toBeGreaterThan(70);
  });

  it('has --json', () => {
    expect(
      leaves
        .filter((leaf) => !has(leaf, '--json'))
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...NO_JSON].sort());
  });

  it('that changes something takes --dry-run, --yes, --idempotency-key, and a reason where one is kept', () => {
    const changing = leaves.filter(changes);
    expect(changing.length).toBeGreaterThan(35);
    for (const option of ['--dry-run', '--yes', '--idempotency-key'])
      expect(changing.filter((leaf) => !has(leaf, option)).map(({ name }) => name)).toEqual([]);
    const withoutReason = changing.filter((leaf) => !has(leaf, '--reason')).map(({ name }) => name);
    expect(withoutReason.sort()).toEqual([...NO_REASON].sort());
    expect(leaves.filter((leaf) => has(leaf, '--yes') && !changes(leaf)).map(({ name }) => name)).toEqual([]);
  });

  it('has help that fits 80 columns', () => {
    const wide = leaves.flatMap(({ name, command }) => {
      const lines = command.helpInformation().split('\n');
      return lines.filter((line) => [...line].length > 80).map((line) => `${name}: ${line}`);
    });
    expect(wide).toEqual([]);
  });
});

it('the README names every command, and no sub-command that is not there', async () => {
  const readme = await readFile(path.resolve(import.meta.dirname, '../../../control-plane/README.md'), 'utf8');
  const table = readme.slice(readme.indexOf('## The command line'), readme.indexOf('**Which control plane'));
  for (const { name } of ROWS) expect(table).toMatch(new RegExp(`\\bbelay ${name}\\b`));
  for (const [, noun = '', verbs = ''] of table.matchAll(/belay (\w+) ([a-z-]+(?:\\\|[a-z-]+)+)/g)) {
    const known = program.commands.find((command) => command.name() === noun);
    const names = known?.commands.map((command) => command.name()) ?? [];
    const shells = noun === 'completion' ? ['bash', 'zsh', 'fish', 'powershell'] : [];
    expect([...names, ...shells]).toEqual(expect.arrayContaining(verbs.split('\\|')));
  }
});

describe('exit codes', () => {
  it('are told by belay help exit-codes, each once', () => {
    for (const code of Object.values(EXIT))
      expect(EXIT_CODES_HELP.match(new RegExp(`^  ${code}  `, 'gm'))).toHaveLength(1);
  });

  it.each([
    [400, EXIT.usage],
    [401, EXIT.forbidden],
    [403, EXIT.forbidden],
    [404, EXIT.notFound],
    [409, EXIT.conflict],
    [412, EXIT.conflict],
    [428, EXIT.conflict],
    [422, EXIT.usage],
    [429, EXIT.failed],
    [500, EXIT.failed],
    [503, EXIT.failed],
  ])('of status %i is %i', (status, code) => {
    expect(exitCodeOfStatus(status)).toBe(code);
  });
});
