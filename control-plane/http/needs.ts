// What a route asks of who calls it; every route says it in its `config`.
export type Needs = 'public' | 'device' | 'view' | 'operate' | 'approve' | 'administer' | 'kill';

declare module 'fastify' {
  // Fastify is told of route settings by merging into its interface.
  interface FastifyContextConfig {
    readonly needs?: Needs;
    readonly scope?: 'somewhere';
    readonly page?: boolean;
  }
}
