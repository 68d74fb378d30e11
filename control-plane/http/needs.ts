// What a route asks of who calls it. Every route says so in its `config`.

export type Needs = 'public' | 'device' | 'view' | 'operate' | 'approve' | 'administer' | 'kill';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly needs?: Needs;
  }
}
