// Decides at CONNECT who comes in. Everything is checked before aedes would end an older connection of the same id, so
// a stranger who knows an id can never push the real device out.
import type { AuthenticateError, Client, ConnectPacket } from 'aedes';
import { nameSchema } from '../../shared/basics/identifiers.ts';
import { judgeWill, type Principal } from './access.ts';
import { cutClient } from './aedes-internals.ts';
import { type Faults, Refusal } from './faults.ts';
import type { FloodGuards } from './flood-guard.ts';
import type { BrokerLimits } from './limits.ts';
import type { Session, Sessions } from './sessions.ts';

/** Answers with who this is, or null for wrong credentials. Throwing means "cannot tell now": the client may retry. */
export type Authenticate = (
  clientId: string,
  username: string | null,
  password: Buffer | null,
) => Promise<Principal | null>;

export type AdmissionOptions = {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly faults: Faults;
  readonly limits: BrokerLimits;
  readonly floods: FloodGuards;
  readonly isClosing: () => boolean;
};

type Arrival = Pick<ConnectPacket, 'clientId' | 'clean' | 'protocolVersion' | 'will'>;
type Credentials = { readonly username: string | null; readonly password: Buffer | null };
type DoneConnecting = (error: AuthenticateError | null, isAdmitted: boolean | null) => void;

/** The two questions aedes asks at CONNECT. */
export function createAdmission(options: AdmissionOptions) {
  const arrivals = new WeakMap<Client, Arrival>();
  let connection = 0;

  const admit = async (client: Client, credentials: Credentials): Promise<void> => {
    const arrival = arrivals.get(client);
    if (!arrival || options.isClosing())
      throw new Refusal('broker-closing', 'the broker is closing', { returnCode: 3 });
    refuseBadArrival(arrival);
    const principal = await prove(options, arrival.clientId, credentials);
    refuseWrongPrincipal(options, arrival, principal);
    connection += 1;
    options.sessions.admit(openSession({ options, client, arrival, principal, connection }));
  };

  return {
    preConnect(client: Client, packet: ConnectPacket, done: (error: Error | null, goOn: boolean) => void): void {
      arrivals.set(client, packet);
      done(null, true);
    },
    authenticate(
      client: Client,
      username: string | undefined,
      password: Buffer | undefined,
      done: DoneConnecting,
    ): void {
      admit(client, { username: username ?? null, password: password ?? null })
        .then(
          () => done(null, true),
          (error: AuthenticateError) => done(error, false),
        )
        .catch((error: Error) => cutClient(client, error));
    },
  };
}

function refuseBadArrival(arrival: Arrival): void {
  if (arrival.protocolVersion !== 4) {
    throw new Refusal('protocol-error', `speaks MQTT level ${arrival.protocolVersion}; use 3.1.1 (level 4)`);
  }
  if (!nameSchema.safeParse(arrival.clientId).success) {
    throw new Refusal('bad-client-id', 'client id is not 3 to 64 of a-z, 0-9 and "-"', { returnCode: 2 });
  }
  if (!arrival.clean)
    throw new Refusal('session-not-clean', 'asked for a persistent session; connect with clean = true');
}

async function prove(options: AdmissionOptions, clientId: string, credentials: Credentials): Promise<Principal> {
  const principal = await answerOf(options, clientId, credentials);
  if (principal !== null) return principal;
  throw new Refusal('bad-credentials', `wrong credentials for client id ${clientId}`, { returnCode: 4 });
}

async function answerOf(
  options: AdmissionOptions,
  clientId: string,
  credentials: Credentials,
): Promise<Principal | null> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), options.limits.authenticateTimeoutMs);
  try {
    return await Promise.race([options.authenticate(clientId, credentials.username, credentials.password), timedOut]);
  } catch (cause) {
    throw new Refusal('authentication-failed', `could not check the credentials of ${clientId}`, {
      cause,
      returnCode: 3,
    });
  } finally {
    clearTimeout(timer);
  }
}

function refuseWrongPrincipal(options: AdmissionOptions, arrival: Arrival, principal: Principal): void {
  const { clientId, will } = arrival;
  const older = options.sessions.find(clientId);
  if (principal.kind === 'device' && principal.device !== clientId) {
    throw new Refusal('wrong-client-id', `${principal.device} connected as ${clientId}`, { returnCode: 2 });
  }
  if (principal.kind === 'observer' && older?.principal.kind === 'device') {
    throw new Refusal('wrong-client-id', `an observer asked for the id of device ${clientId}`, { returnCode: 2 });
  }
  if (will) refuseForeignWill(principal, will, options.limits);
  if (older) options.faults.record({ reason: 'taken-over', who: clientId, detail: 'the same device connected again' });
}

function refuseForeignWill(principal: Principal, will: NonNullable<Arrival['will']>, limits: BrokerLimits): void {
  const { topic, qos = 0, retain = false, payload } = will;
  const publication = { topic, qos, retain, payloadBytes: payload.length };
  const verdict = judgeWill(principal, publication, limits.documentBytesMax);
  if (verdict.kind === 'refused') throw new Refusal(verdict.reason, verdict.detail);
}

function openSession(parts: {
  readonly options: AdmissionOptions;
  readonly client: Client;
  readonly arrival: Arrival;
  readonly principal: Principal;
  readonly connection: number;
}): Session {
  const { options, client, arrival, principal, connection } = parts;
  return {
    clientId: arrival.clientId,
    principal,
    connection,
    address: addressOf(client),
    client,
    flood: options.floods.of(arrival.clientId),
    will: arrival.will ?? null,
  };
}

/** Remote address, or `unknown` once the socket is gone. */
function addressOf(client: Client): string {
  const { conn } = client;
  return 'remoteAddress' in conn && conn.remoteAddress ? conn.remoteAddress : 'unknown';
}
