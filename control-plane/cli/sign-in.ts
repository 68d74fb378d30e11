// A session for the few things that a token may not do: making tokens, changing one's own password. Ends with what it was for.
import { z } from 'zod';
import { endpoint } from '../../shared/protocol/address.ts';
import {
  CSRF_HEADER,
  type Grant,
  roleSchema,
  type SessionAnswer,
  sessionSchema,
} from '../../shared/protocol/api-identity.ts';
import { type ApiClient, CommandError, openApiClient } from './api-client.ts';
import { canAsk } from './change.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';

export type SignedIn = { readonly api: ApiClient; readonly session: SessionAnswer };
type Person = { readonly name: string; readonly password: string };

const COOKIE = 'belay_session';
/** Of a password on stdin: whoever pipes more than this has piped the wrong file. */
const STDIN_CHARACTERS_MAX = 4000;

/** Signs in, does `work`, and signs out again. Throws CommandError; wrong name or password: exit code 4. */
export async function withSession<T>(url: string, person: Person, work: (signed: SignedIn) => Promise<T>): Promise<T> {
  let cookie = '';
  const keepCookie = (headers: Headers): void => {
    const found = headers.getSetCookie().find((each) => each.startsWith(`${COOKIE}=`));
    if (found) cookie = found.split(';')[0] ?? '';
  };
  const nobody = openApiClient(url, { token: null, tokenFrom: null, idempotencyKey: null, onHeaders: keepCookie });
  const session = await nobody.ask(endpoint('POST /v1/session'), sessionSchema, person);
  const headers = { cookie, ...(session.csrf === null ? {} : { [CSRF_HEADER]: session.csrf }) };
  const api = openApiClient(url, { token: null, tokenFrom: null, idempotencyKey: null, headers });
  try {
    return await work({ api, session });
  } finally {
    // Over by itself later, should this not reach the control plane.
    await api.remove(endpoint('DELETE /v1/session')).catch(() => {});
  }
}

/** Who signs in: asked for on a terminal; elsewhere `--name`, and the password as the first line on stdin. */
export async function readPerson(output: Output, given: { readonly name?: string }): Promise<Person> {
  const name = given.name ?? (canAsk(output) ? await askText('Name') : undefined);
  if (name === undefined)
    throw new CommandError(
      EXIT.usage,
      'who signs in? There is no terminal to ask on.\nNext: add --name, with the password on stdin',
    );
  const [password = ''] = await readSecrets(output, ['Password']);
  return { name, password };
}

/** One secret for each label: asked for on a terminal, elsewhere the lines of stdin. */
export async function readSecrets(output: Output, labels: readonly string[]): Promise<readonly string[]> {
  if (canAsk(output)) {
    const answers: string[] = [];
    for (const label of labels) answers.push(await askSecret(label));
    return answers;
  }
  const lines = process.stdin.isTTY ? [] : (await readStdin()).split(/\r?\n/);
  const answers = labels.map((_, i) => lines[i] ?? '');
  const missing = labels.find((_, i) => answers[i] === '');
  if (missing === undefined) return answers;
  const wanted = labels.length === 1 ? 'the first line of stdin' : `a line of stdin each: ${labels.join(', ')}`;
  throw new CommandError(
    EXIT.usage,
    `${missing.toLowerCase()} is missing, and there is no terminal to ask on: give ${wanted}`,
  );
}

async function readStdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > STDIN_CHARACTERS_MAX) throw new CommandError(EXIT.usage, 'stdin is too long for a password');
  }
  return text;
}

async function askText(message: string): Promise<string> {
  const { text } = await import('@clack/prompts');
  return answered(await text({ message, output: process.stderr }));
}

async function askSecret(message: string): Promise<string> {
  const { password } = await import('@clack/prompts');
  return answered(await password({ message, output: process.stderr }));
}

function answered(answer: string | symbol | undefined): string {
  if (typeof answer === 'string') return answer;
  throw new CommandError(EXIT.usage, 'nothing was answered, nothing was changed');
}

/** What a control plane without sign-in answers to `GET /v1/session` has `open`; null: it wants somebody to sign in. */
export async function whoIsThere(api: ApiClient): Promise<SessionAnswer | null> {
  try {
    return await api.ask(endpoint('GET /v1/session'), sessionSchema);
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.forbidden) return null;
    throw error;
  }
}

const grantTextSchema = z
  .string()
  .regex(/^(viewer|operator|approver|admin)(@(\*|[a-z0-9-]{3,64}(,[a-z0-9-]{3,64})*))?$/);

/** `operator@plant-a,plant-b` → a grant; without sites: every site. */
export function readGrants(texts: readonly string[]): Grant[] {
  return texts.map((text) => {
    if (!grantTextSchema.safeParse(text).success)
      throw new CommandError(
        EXIT.usage,
        `--grant ${text}: give ROLE or ROLE@SITE,SITE; roles are viewer, operator, approver, admin`,
      );
    const [role, sites = '*'] = text.split('@');
    return { role: roleSchema.parse(role), sites: sites === '*' ? '*' : sites.split(',') };
  });
}

/** `--grant` may be given several times. */
export function collectGrants(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
