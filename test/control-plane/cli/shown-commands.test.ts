// Every command that a page shows to be copied is one that this command line takes: with its words, its flags, and nothing left out.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openProgram } from '../../../control-plane/cli/open-program.ts';
import { stateActs } from '../../../control-plane/dashboard/pages/model/model-words.ts';
import { PROBLEMS } from '../../../shared/protocol/api-problems.ts';

type Command = Awaited<ReturnType<typeof openProgram>>;

const ROOT = path.resolve(import.meta.dirname, '../../..');
const DASHBOARD = path.join(ROOT, 'control-plane/dashboard');
const PLAIN_PAGES = ['kill-page-html.ts', 'sign-in-html.ts'];

let program: Command;
let reached: string[] = [];
beforeAll(async () => {
  program = await openProgram(null);
  silence(program, '');
});

/** Parses as ever, does nothing, and keeps what was reached. */
function silence(command: Command, name: string): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  for (const child of command.commands) silence(child, `${name} ${child.name()}`.trim());
  if (command.commands.length === 0) command.action(() => void reached.push(name));
}

function sources(): readonly { readonly file: string; readonly text: string }[] {
  const pages = readdirSync(DASHBOARD, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('dist'))
    .map((file) => path.join(DASHBOARD, file));
  const plain = PLAIN_PAGES.map((file) => path.join(ROOT, 'control-plane/http', file));
  return [...pages, ...plain].map((file) => ({ file: path.relative(ROOT, file), text: readFileSync(file, 'utf8') }));
}

type Shown = { readonly file: string; readonly command: string };

/** Texts that begin with `belay`, in any quotes; what is put into them becomes a word. */
function shownCommands(): readonly Shown[] {
  return sources().flatMap(({ file, text }) => {
    const flat = withoutHoles(text);
    const quoted = [...flat.matchAll(/(["'`])(belay [^\n]*?)\1/g)].map((match) => match[2] ?? '');
    const coded = [...flat.matchAll(/<code>(belay [^<]*)<\/code>/g)].map((match) => match[1] ?? '');
    return [...quoted, ...coded].map((command) => ({ file, command }));
  });
}

/** A hole with a choice of words (`${a ? ' --b' : ''}`) is filled with the longer one, any other with `x1`. */
function withoutHoles(text: string): string {
  let flat = text;
  for (let round = 0; round < 3; round += 1)
    flat = flat.replaceAll(/\$\{([^{}]*)\}/g, (_, hole: string) => filled(hole));
  return flat;
}

function filled(hole: string): string {
  const choices = [...hole.matchAll(/[?:] *(['"`])(.*?)\1/g)].map((match) => match[2] ?? '');
  return choices.toSorted((a, b) => b.length - a.length)[0] ?? 'x1';
}

/** As a shell splits it, with the words that stand for something replaced by something. */
function wordsOf(command: string): readonly string[] {
  const words = command.replaceAll(/\bREASON\b/g, '"because"').match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const end = words.findIndex((word) => ['>', '<', '|', '&&'].includes(word));
  return words
    .slice(1, end === -1 ? undefined : end)
    .map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
    .map((word) => (word === 'SITE/DEVICE' ? 'site/device' : word));
}

/** Where the verb is put in, one of that noun's must take the rest. */
async function takesSome(command: string): Promise<string | null> {
  const noun = /^belay (\w+) x1\b/.exec(command)?.[1];
  const verbs = program.commands.find((each) => each.name() === noun)?.commands ?? [];
  if (verbs.length === 0) return takes(command);
  for (const verb of verbs) if ((await takes(command.replace('x1', verb.name()))) === null) return null;
  return `no verb of ${noun} takes that`;
}

async function takes(command: string): Promise<string | null> {
  reached = [];
  try {
    await program.parseAsync([...wordsOf(command)], { from: 'user' });
    return reached.length === 1 ? null : 'reaches no command';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a command that a page shows', () => {
  it('is taken by the command line', async () => {
    const shown = shownCommands();
    const refused: string[] = [];
    for (const { file, command } of shown) {
      const why = await takesSome(command);
      if (why !== null) refused.push(`${file}: ${command}: ${why}`);
    }
    expect(refused).toEqual([]);
    expect(shown.length).toBeGreaterThan(40);
  });

  it('has its verb where the page puts one in', async () => {
    const states = (['registered', 'archived'] as const).flatMap((state) => stateActs({ id: 'det:1', state }));
    for (const { verb } of states) expect(await takes(`belay release ${verb} det:1 --reason REASON`)).toBeNull();
  });

  it('is named in full where a problem says what to do', async () => {
    const named = Object.values(PROBLEMS).flatMap(({ fix }) => [...fix.matchAll(/`(belay [^`]*)`/g)]);
    const refused: string[] = [];
    for (const [, command = ''] of named) {
      const why = await takes(command);
      if (why !== null) refused.push(`${command}: ${why}`);
    }
    expect(refused).toEqual([]);
  });

  it('would be found out if it were not one', async () => {
    expect(await takes('belay rollout start FILE --because x')).toContain('unknown option');
    expect(await takes('belay rolout list')).toContain('unknown command');
    expect(await takes('belay device lift a/b')).toContain('--reason');
    expect(await takes('belay rollout')).not.toBeNull();
  });

  it('stands on every action, and is never another program', () => {
    const actions = sources().flatMap(({ file, text }) =>
      [...text.matchAll(/<Action\b[\s\S]*?\brun=/g)].map((match) => ({ file, text: match[0] })),
    );
    expect(actions.length).toBeGreaterThan(8);
    expect(actions.filter(({ text }) => !/command=/.test(text)).map(({ file }) => file)).toEqual([]);
    expect(
      sources()
        .filter(({ text }) => /command=\{?[`"'](?!belay )\w/.test(text))
        .map(({ file }) => file),
    ).toEqual([]);
  });
});
