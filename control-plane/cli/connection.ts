// Which control plane is meant, and as whom: flags before variables before the current context. A token goes to its own address alone.
import { CommandError } from './api-client.ts';
import { type Context, type Contexts, findContext, readContexts } from './contexts.ts';
import { DEFAULT_URL } from './default-url.ts';
import { EXIT } from './exit-codes.ts';

export type Connection = {
  readonly url: string;
  readonly token: string | null;
  /** `BELAY_TOKEN`, or the context whose token it is; null: none. */
  readonly tokenFrom: string | null;
};

export type Wanted = { readonly url?: string; readonly context?: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** The file of contexts is not touched where flags and variables say everything. Throws CommandError. */
export async function resolveConnection(wanted: Wanted, env: Environment = process.env): Promise<Connection> {
  const given = wanted.url ?? (wanted.context === undefined ? env.BELAY_URL || undefined : undefined);
  const own = env.BELAY_TOKEN ? { token: env.BELAY_TOKEN, tokenFrom: 'BELAY_TOKEN' } : null;
  if (given !== undefined && own !== null) return { url: checkUrl(given), ...own };
  const contexts = await readContexts();
  const chosen = given === undefined ? chooseContext(contexts, wanted.context ?? env.BELAY_CONTEXT) : undefined;
  const url = checkUrl(given ?? chosen?.url ?? DEFAULT_URL);
  return { url, ...(own ?? tokenFor(contexts, url, chosen)) };
}

function chooseContext(contexts: Contexts, name: string | undefined): Context | undefined {
  const chosen = name || contexts.current;
  return chosen ? findContext(contexts, chosen) : undefined;
}

/** Of the context that is meant, else of any whose address it is. */
function tokenFor({ contexts }: Contexts, url: string, chosen?: Context): Pick<Connection, 'token' | 'tokenFrom'> {
  const owner = chosen ?? contexts.find((each) => isSamePlace(each, url));
  return { token: owner?.token ?? null, tokenFrom: owner?.token ? owner.name : null };
}

function isSamePlace({ url }: Context, other: string): boolean {
  return URL.parse(url)?.origin === new URL(other).origin;
}

/** Throws CommandError when it is not an address. */
export function checkUrl(url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw new CommandError(EXIT.usage, `"${url}" is not an address of a control plane, such as ${DEFAULT_URL}`);
}
