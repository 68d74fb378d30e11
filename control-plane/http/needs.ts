// What a route asks of who calls it, as its registration says in `config.needs`.

/** `public`: anybody. `device`: the device that it is about. The rest: somebody with that right at the sites concerned. */
export type Needs = 'public' | 'device' | 'view' | 'operate' | 'approve' | 'administer' | 'kill';

declare module 'fastify' {
  // Fastify is told of route settings by merging into its interface.
  interface FastifyContextConfig {
    readonly needs?: Needs;
  }
}
