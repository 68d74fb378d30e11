// Where a request goes: a route of the table with its values filled in. The one place where clients make addresses.
import type { Route, ValuesOf } from './endpoints.ts';

/** `of` is for the compiler alone: what is sent there, and what is answered. */
export type Address<R extends Route = Route> = { readonly method: string; readonly path: string; readonly of?: R };

type Values = Readonly<Record<string, unknown>>;
type Given<R extends Route> = Record<never, never> extends ValuesOf<R> ? [values?: ValuesOf<R>] : [values: ValuesOf<R>];

/** What is not in the path goes into the query; null, undefined and the empty text are left out. */
export function endpoint<R extends Route>(route: R, ...given: Given<R>): Address<R> {
  const [values = {}] = given as readonly [Values?];
  const [method = '', pattern = ''] = route.split(' ');
  const inPath = new Set<string>();
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => {
    inPath.add(name);
    return encodeURIComponent(String(values[name]));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (!inPath.has(name) && value != null && value !== '') query.set(name, String(value));
  return { method, path: query.size === 0 ? path : `${path}?${query}` };
}
