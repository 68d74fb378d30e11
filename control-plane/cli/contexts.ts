// The control planes that this person knows, with a token for each: one file that only its owner may read.
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { CommandError } from './api-client.ts';
import { EXIT } from './exit-codes.ts';

const contextSchema = z.looseObject({
  name: z.string().min(1),
  url: z.string().min(1),
  /** An API token; null: not signed in. */
  token: z.string().nullable().default(null),
  /** To revoke it by. */
  tokenId: z.string().nullable().default(null),
  account: z.string().nullable().default(null),
  expiresAtMs: z.number().nullable().default(null),
});
const contextsSchema = z.looseObject({
  schema: z.literal('belay.cli/1'),
  current: z.string().nullable(),
  contexts: z.array(contextSchema),
});

export type Context = z.infer<typeof contextSchema>;
export type Contexts = z.infer<typeof contextsSchema>;

const NONE: Contexts = { schema: 'belay.cli/1', current: null, contexts: [] };
/** Rights of the group and of everybody else. */
const OTHERS = 0o077;

/** `$XDG_CONFIG_HOME/belay/config.json`, else below `~/.config`. */
export function contextsFile(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'belay', 'config.json');
}

/** Nobody is known while there is no file. Throws CommandError when others may read it, or when it is no such file. */
export async function readContexts(file = contextsFile()): Promise<Contexts> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS) !== 0 && process.platform !== 'win32') throw readableByOthers(file, mode);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
    throw new CommandError(EXIT.failed, `cannot read ${file}: ${describeError(error)}`);
  }
  const parsed = parseJson(contextsSchema, text);
  if (parsed.ok) return parsed.value;
  const what = describeProblems(parsed.problems.slice(0, 3));
  throw new CommandError(
    EXIT.failed,
    `${file} is not a list of contexts (${what}).\nNext: correct it, or move it away and sign in again: belay login URL`,
  );
}

function readableByOthers(file: string, mode: number): CommandError {
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const text = `${file} holds tokens, and others on this machine may read it (mode ${octal}): nothing is sent.\nNext: chmod 600 ${file}`;
  return new CommandError(EXIT.forbidden, text);
}

/** All of it or nothing: written beside it, then put in its place. */
export async function writeContexts(contexts: Contexts, file = contextsFile()): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await chmod(path.dirname(file), 0o700);
    const part = `${file}.${process.pid}.part`;
    await writeFile(part, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(part, file);
  } catch (error) {
    throw new CommandError(EXIT.failed, `cannot write ${file}: ${describeError(error)}`);
  }
}

/** In the place of the one of its name, which becomes the current one. */
export function withContext({ contexts, ...rest }: Contexts, context: Context): Contexts {
  const others = contexts.filter(({ name }) => name !== context.name);
  return { ...rest, contexts: [...others, context], current: context.name };
}

/** Throws CommandError `not found` with what there is. */
export function findContext({ contexts }: Contexts, name: string): Context {
  const found = contexts.find((context) => context.name === name);
  if (found) return found;
  const known = contexts.map((context) => context.name).join(', ') || 'none yet';
  throw new CommandError(
    EXIT.notFound,
    `no context is called "${name}" (known: ${known}).\nNext: belay context list, or belay login URL --context ${name}`,
  );
}

/** `https://belay.plant-a.example:7420` → `belay.plant-a.example`; on this machine `local`. */
export function contextNameOf(url: string): string {
  const { hostname } = new URL(url);
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) ? 'local' : hostname;
}
