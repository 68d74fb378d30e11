// What a route says about who may call it. A route that says nothing is refused at registration.
import type { Right } from '../../shared/protocol/permissions.ts';
import type { Caller } from '../identity/caller.ts';
import type { SitesOf } from './touched-sites.ts';

/** `public`: anybody. `device`: the device of the path (or any device, without one), and people who may look. */
export type Needs = 'public' | 'device' | Right;

declare module 'fastify' {
  // Fastify is told of route settings, and of what hooks leave on a request, by merging into its interfaces.
  interface FastifyContextConfig {
    readonly needs?: Needs;
    /** Where the path names no site. `somewhere`: the right on any site is enough, and the route asks about what it touches
     * (`demand`), or leaves out what is not to be seen. Left out: somewhere for `view`, everywhere for all else. */
    readonly scope?: 'somewhere' | 'everywhere';
    /** A page that a browser shows: who is not signed in is sent to sign in. */
    readonly page?: boolean;
  }
  interface FastifyInstance {
    sitesOf: SitesOf;
  }
  interface FastifyRequest {
    identity: Caller;
    /** To be sent back by forms as the field `csrf`; null where no session asks. */
    csrf: string | null;
  }
}

/** Files of the dashboard: a plugin registers them, and it knows no settings of routes. */
const PUBLIC_FILES = '/assets/';

/** Throws when the route does not say what it needs. */
export function needsOf(route: {
  readonly url?: string | undefined;
  readonly config?: { readonly needs?: Needs } | undefined;
}): Needs {
  const needs = route.config?.needs ?? (route.url?.startsWith(PUBLIC_FILES) ? 'public' : undefined);
  if (needs === undefined) throw new Error(`the route ${route.url} does not say what it needs (config.needs)`);
  return needs;
}
