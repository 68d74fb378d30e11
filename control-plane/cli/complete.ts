// What TAB offers: `belay complete -- WORDS…`, called by the scripts of `belay completion`. Never fails aloud, never takes long.
import { type Complete, type Command as Completed, RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import { ROWS } from './commands.ts';
import { fetchNames, type NameKind, type Names } from './complete-names.ts';
import { openProgram } from './open-program.ts';

/** Arguments by how commands call them. */
const ARGUMENT_KINDS: Readonly<Record<string, NameKind>> = {
  'site/device': 'devices',
  reference: 'releases',
  a: 'releases',
  b: 'releases',
  'kill id': 'kills',
  'site/hardware': 'cohorts',
};
/** `<id>` is of the noun that it stands behind. */
const ID_KINDS: Readonly<Record<string, NameKind>> = {
  rollout: 'rollouts',
  rollback: 'rollouts',
  incident: 'incidents',
};
const OPTION_KINDS: Readonly<Record<string, NameKind>> = {
  '--rollout': 'rollouts',
  '--device': 'devices',
  '--release': 'releases',
  '--candidate': 'releases',
  '--site': 'sites',
  '--factory': 'sites',
  '--context': 'contexts',
};

/** `words`: what stands behind `belay`, the last of them half written. Prints for the script; gives no exit code but 0. */
export async function complete(words: readonly string[]): Promise<void> {
  const noun = words.slice(0, -1).find((word) => !word.startsWith('-')) ?? '';
  const program = await openProgram(ROWS.some(({ name }) => name === noun) ? noun : '');
  const wanted = kindsFor(program, noun, words);
  const names = await fetchNames(wanted, urlIn(words));
  const root = new RootCommand();
  for (const command of program.commands) addTree(root, command, { path: '', noun: command.name(), names });
  root.parse([...words]);
}

type Place = { readonly path: string; readonly noun: string; readonly names: Names };

function addTree(root: RootCommand, command: Command, { path, noun, names }: Place): void {
  const own = path === '' ? command.name() : `${path} ${command.name()}`;
  const completed = root.command(own, command.description());
  for (const option of command.createHelp().visibleOptions(command)) addOption(completed, option, names);
  for (const argument of command.registeredArguments) {
    const kind = kindOfArgument(argument.name(), noun);
    const values = argument.argChoices ?? (kind === null ? [] : (names[kind] ?? []));
    completed.argument(argument.name(), (offer) => offerAll(offer, values), argument.variadic);
  }
  for (const child of command.commands) addTree(root, child, { path: own, noun, names });
}

function addOption(completed: Completed, option: Option, names: Names): void {
  const long = option.long?.slice(2);
  if (long === undefined) return;
  const short = option.short?.slice(1);
  if (!option.required && !option.optional) {
    completed.option(long, option.description, short ?? '');
    return;
  }
  const kind = OPTION_KINDS[option.long ?? ''];
  const values = option.argChoices ?? (kind === undefined ? [] : (names[kind] ?? []));
  completed.option(long, option.description, (offer) => offerAll(offer, values), short);
}

function offerAll(offer: Complete, values: readonly string[]): void {
  for (const value of values) offer(value, '');
}

function kindOfArgument(name: string, noun: string): NameKind | null {
  if (name === 'id') return ID_KINDS[noun] ?? null;
  if (name === 'name') return noun === 'context' ? 'contexts' : null;
  return ARGUMENT_KINDS[name] ?? null;
}

/** Only what could be offered here is asked for. */
function kindsFor(program: Command, noun: string, words: readonly string[]): readonly NameKind[] {
  const before = words.at(-2) ?? '';
  const ofOption = OPTION_KINDS[before];
  if (ofOption !== undefined) return [ofOption];
  let command = program.commands.find((each) => each.name() === noun);
  for (const word of words.slice(0, -1)) command = command?.commands.find((each) => each.name() === word) ?? command;
  const kinds = (command?.registeredArguments ?? []).flatMap((each) => kindOfArgument(each.name(), noun) ?? []);
  return (words.at(-1) ?? '').startsWith('-') ? [] : kinds;
}

function urlIn(words: readonly string[]): { readonly url?: string; readonly context?: string } {
  const after = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined);
  const [url, context] = [after('--url'), after('--context')];
  return { ...(url ? { url } : {}), ...(context ? { context } : {}) };
}
