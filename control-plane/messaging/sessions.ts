// Who is connected, by our own book: the counts of aedes drift when a client dies during a takeover (moscajs/aedes#928).
import type { Client } from 'aedes';
import type { Principal } from './access.ts';
import { cutClient } from './aedes-internals.ts';
import { Refusal } from './faults.ts';
import type { FloodGuard } from './flood-guard.ts';

/** One proven connection. `connection` grows with every one, so two of the same device can be told apart. */
export type Peer = {
  readonly clientId: string;
  readonly principal: Principal;
  readonly connection: number;
  /** Remote address, for logs. */
  readonly address: string;
};

export type Session = Peer & {
  readonly client: Client;
  readonly flood: FloodGuard;
  /** The very packet object aedes will hand back when the connection is lost; null = no last will. */
  readonly will: object | null;
};

/** Told in strict pairs; a takeover is a disconnect of the old connection, then a connect of the new. */
export type ConnectionSink = {
  onConnected(peer: Peer): void;
  onDisconnected(peer: Peer): void;
};

export class Sessions {
  readonly #byClient = new WeakMap<Client, Session>();
  readonly #connected = new Map<string, Session>();
  #observers = 0;
  readonly #sink: ConnectionSink;

  constructor(sink: ConnectionSink) {
    this.#sink = sink;
  }

  /** The client proved who it is; it is not connected yet. */
  admit(session: Session): void {
    this.#byClient.set(session.client, session);
  }

  of(client: Client): Session | null {
    return this.#byClient.get(client) ?? null;
  }

  find(clientId: string): Session | null {
    return this.#connected.get(clientId) ?? null;
  }

  /** Returns false when the client died before it could be registered. */
  connect(client: Client): boolean {
    const session = this.of(client);
    if (!session || client.closed) return false;
    const older = this.find(session.clientId);
    if (older) {
      this.#forget(older);
      cutClient(older.client, new Refusal('taken-over', 'the same device connected again'));
    }
    this.#connected.set(session.clientId, session);
    if (session.principal.kind === 'observer') this.#observers += 1;
    this.#sink.onConnected(peerOf(session));
    return true;
  }

  disconnect(client: Client): void {
    const session = this.of(client);
    if (session && this.find(session.clientId) === session) this.#forget(session);
  }

  all(): readonly Session[] {
    return [...this.#connected.values()];
  }

  countObservers(): number {
    return this.#observers;
  }

  /** Drops entries whose client closed without a word from aedes. */
  sweep(): void {
    for (const session of this.#connected.values()) if (session.client.closed) this.#forget(session);
  }

  #forget(session: Session): void {
    this.#connected.delete(session.clientId);
    if (session.principal.kind === 'observer') this.#observers -= 1;
    this.#sink.onDisconnected(peerOf(session));
  }
}

export function peerOf(session: Session): Peer {
  const { clientId, principal, connection, address } = session;
  return { clientId, principal, connection, address };
}
