// Looks at everything `belay doctor` tells of. Each look ends in findings; one that cannot be made is a finding too.
import { statfs } from 'node:fs/promises';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { StatusReport } from '../../../shared/protocol/api-status.ts';
import { auditCheckSchema, healthSchema, statusReportSchema } from '../../../shared/protocol/api-status.ts';
import { type ApiClient, CommandError } from '../api-client.ts';
import type { Connection } from '../connection.ts';
import { contextNameOf } from '../contexts.ts';
import { EXIT } from '../exit-codes.ts';
import { whoIsThere } from '../sign-in.ts';
import { VERSION } from '../version.ts';
import { type Finding, notWell, well } from './finding.ts';
import { judgeClock, judgeDisk, judgeExpiry, judgeNode, judgeStatus } from './judge.ts';
import { certificateEnd, knockAtBroker } from './knock.ts';

export type Patient = {
  readonly api: ApiClient;
  readonly connection: Connection;
  /** The control plane's data folder, where this is its machine; null: not known here. */
  readonly dataDir: string | null;
};

export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { connection, dataDir } = patient;
  const [reach, disk] = [await lookAtReach(patient), dataDir === null ? [] : [await lookAtDisk(dataDir)]];
  const here = [judgeNode(process.version), ...disk, ...reach];
  if (reach.some(({ check, state }) => check === 'control plane' && state === 'fail')) return here;
  const identity = await lookAtSignIn(patient);
  if (identity.some(({ state }) => state === 'fail')) return [...here, ...identity];
  const looks = [lookAtFleet(patient), lookAtHealth(patient), lookAtDashboard(connection.url), lookAtAudit(patient)];
  return [...here, ...identity, ...(await Promise.all(looks)).flat()];
}

async function lookAtReach({ connection: { url } }: Patient): Promise<readonly Finding[]> {
  const startedAtMs = performance.now();
  try {
    await fetch(new URL(endpoint('GET /v1/health').path, url), { signal: AbortSignal.timeout(10_000) });
    const tookMs = Math.round(performance.now() - startedAtMs);
    return [well('control plane', `${url} answers in ${tookMs} ms`), ...(await lookAtTls(url))];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const text = `${url}: ${cause instanceof Error ? cause.message : String(cause)}`;
    return [
      notWell(
        'control plane',
        'fail',
        text,
        'is it running (belay up)? Another address: --url, --context or BELAY_URL',
      ),
    ];
  }
}

async function lookAtTls(url: string): Promise<readonly Finding[]> {
  if (new URL(url).protocol === 'http:') {
    if (contextNameOf(url) === 'local') return [well('tls', 'not needed on this machine')];
    return [
      notWell(
        'tls',
        'warn',
        `${url} is not encrypted`,
        'put it behind https, and sign in again there: belay login https://…',
      ),
    ];
  }
  try {
    return [judgeExpiry('tls', await certificateEnd(url), Date.now(), 'renew the certificate of the control plane')];
  } catch (error) {
    return [notWell('tls', 'fail', (error as Error).message, 'look at the certificate of the control plane')];
  }
}

async function lookAtDisk(folder: string): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return judgeDisk(folder, bavail * bsize);
  } catch (error) {
    return notWell(
      'disk',
      'fail',
      `${folder}: ${(error as Error).message}`,
      'give --data the data folder of the control plane',
    );
  }
}

async function lookAtSignIn({ api, connection }: Patient): Promise<readonly Finding[]> {
  const login = `belay login ${connection.url}`;
  try {
    const session = await whoIsThere(api);
    if (session === null) {
      const from =
        connection.tokenFrom === null
          ? 'nobody is signed in here'
          : `the token of ${connection.tokenFrom} is not accepted`;
      return [notWell('signed in', 'fail', from, login)];
    }
    if (session.open)
      return [
        notWell(
          'signed in',
          'warn',
          'nobody signs in: whoever reaches it may do everything',
          'start it with signIn: required',
        ),
      ];
    const who = well('signed in', session.identity.name);
    return session.expiresAtMs === null ? [who] : [who, judgeExpiry('token', session.expiresAtMs, Date.now(), login)];
  } catch (error) {
    // A control plane without sign-in.
    if (error instanceof CommandError && error.exitCode === EXIT.notFound) return [];
    return [notWell('signed in', 'fail', (error as Error).message, login)];
  }
}

async function lookAtFleet({ api, connection }: Patient): Promise<readonly Finding[]> {
  const startedAtMs = performance.now();
  let status: StatusReport;
  try {
    status = await api.ask(endpoint('GET /v1/status'), statusReportSchema);
  } catch (error) {
    return [notWell('status', 'fail', (error as Error).message, `belay status --url ${connection.url}`)];
  }
  const tookMs = performance.now() - startedAtMs;
  const knock = await knockAtBroker(status.mqttUrl);
  const broker = knock.ok
    ? well('broker', knock.text)
    : notWell(
        'broker',
        'fail',
        knock.reason,
        'open its port to the plants, or correct publicUrls.mqtt in the configuration',
      );
  return [judgeClock(status.nowMs, Date.now() - tookMs / 2, tookMs), broker, ...judgeStatus(status, VERSION)];
}

/** `/v1/health` answers 503 with the same document when something is wrong. */
async function lookAtHealth({ connection }: Patient): Promise<readonly Finding[]> {
  const response = await fetch(new URL(endpoint('GET /v1/health').path, connection.url), {
    signal: AbortSignal.timeout(10_000),
  });
  const health = healthSchema.safeParse(await response.json().catch(() => null));
  if (!health.success)
    return [
      notWell('health', 'fail', `answers ${response.status}, not as a control plane`, 'is this the right address?'),
    ];
  if (health.data.problems.length === 0) return [well('database', 'works, as do the loops of the control plane')];
  return health.data.problems.map((text) =>
    notWell('health', 'fail', text, 'the log of the control plane has the cause'),
  );
}

async function lookAtDashboard(url: string): Promise<readonly Finding[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000), headers: { accept: 'text/html' } });
  const isPage = response.ok && /<script/i.test(await response.text());
  if (isPage) return [well('dashboard', url)];
  return [
    notWell(
      'dashboard',
      'warn',
      `${url} serves no page (${response.status})`,
      'npm run dashboard:build, then look again',
    ),
  ];
}

async function lookAtAudit({ api }: Patient): Promise<readonly Finding[]> {
  try {
    const check = await api.ask(endpoint('GET /v1/audit/verify'), auditCheckSchema);
    if (check.kind === 'intact') return [well('audit', `whole: ${check.rows} rows`)];
    return [
      notWell(
        'audit',
        'fail',
        `broken at row ${check.seq}: ${check.reason}`,
        'keep the database as it is, and compare with the last belay audit export',
      ),
    ];
  } catch (error) {
    return [
      notWell('audit', 'warn', (error as Error).message, 'ask somebody with the viewer role: belay audit verify'),
    ];
  }
}
