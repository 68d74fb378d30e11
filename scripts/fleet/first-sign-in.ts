// Signs in to a control plane that was made for this fleet alone: a token for the programs, and links for the person who watches.

import type { z } from 'zod';
import { linkSchema, sessionSchema, tokenCreatedSchema } from '../../shared/protocol/api-identity.ts';

export type SignedIn = {
  readonly token: string;
  /** Signs its reader in once, within minutes, as the same account. */
  newLink(): Promise<string>;
};

type Call = { readonly headers: Readonly<Record<string, string>>; readonly body: unknown };

export async function signInAsAdmin(httpUrl: string, password: string): Promise<SignedIn> {
  const post = async (path: string, { headers, body }: Call): Promise<Response> => {
    const response = await fetch(`${httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} was answered with ${response.status}: ${await response.text()}`);
    return response;
  };
  const read = async <T>(schema: z.ZodType<T>, response: Response): Promise<T> => schema.parse(await response.json());
  const begun = await post('/v1/session', { headers: {}, body: { name: 'admin', password } });
  const [cookie = ''] = (begun.headers.get('set-cookie') ?? '').split(';');
  const { csrf } = await read(sessionSchema, begun);
  const headers = { cookie, 'x-belay-csrf': csrf ?? '' };
  const made = await post('/v1/tokens', { headers, body: { name: 'the programs of this fleet', days: 7 } });
  return {
    token: (await read(tokenCreatedSchema, made)).token,
    newLink: async () => (await read(linkSchema, await post('/v1/session/link', { headers, body: {} }))).url,
  };
}
