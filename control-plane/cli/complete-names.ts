// Names for completion, from the control plane and from this machine: quickly, or not at all.
import { z } from 'zod';
import { endpoint } from '../../shared/protocol/address.ts';
import { type ApiClient, openApiClient } from './api-client.ts';
import { resolveConnection, type Wanted } from './connection.ts';
import { readContexts } from './contexts.ts';

export type NameKind = 'rollouts' | 'devices' | 'releases' | 'kills' | 'incidents' | 'sites' | 'cohorts' | 'contexts';
export type Names = Readonly<Partial<Record<NameKind, readonly string[]>>>;

/** Whoever presses TAB waits no longer. */
const PATIENCE_MS = 800;
const NAMES_MAX = 200;

const idsSchema = z.array(z.looseObject({ id: z.string() }));
const devicesSchema = z.looseObject({
  devices: z.array(z.looseObject({ site: z.string(), device: z.string(), hardwareClass: z.string().nullable() })),
});

/** What cannot be had in time is left out. */
export async function fetchNames(kinds: readonly NameKind[], wanted: Wanted): Promise<Names> {
  if (kinds.length === 0) return {};
  try {
    const { url, token, tokenFrom } = await resolveConnection(wanted);
    const api = openApiClient(url, { token, tokenFrom, idempotencyKey: null });
    const late = new Promise<null>((resolve) => {
      setTimeout(() => resolve(null), PATIENCE_MS).unref();
    });
    const found = await Promise.all(
      kinds.map(async (kind) => [kind, (await Promise.race([namesOf(api, kind), late])) ?? []] as const),
    );
    return Object.fromEntries(found.map(([kind, names]) => [kind, [...new Set(names)].slice(0, NAMES_MAX)]));
  } catch {
    return {};
  }
}

async function namesOf(api: ApiClient, kind: NameKind): Promise<readonly string[]> {
  switch (kind) {
    case 'contexts':
      return (await readContexts()).contexts.map(({ name }) => name);
    case 'rollouts':
      return (await api.ask(endpoint('GET /v1/rollouts'), z.looseObject({ rollouts: idsSchema }))).rollouts.map(
        ({ id }) => id,
      );
    case 'kills':
      return (await api.ask(endpoint('GET /v1/kills'), z.looseObject({ kills: idsSchema }))).kills.map(({ id }) => id);
    case 'incidents':
      return (await api.ask(endpoint('GET /v1/incidents'), z.looseObject({ incidents: idsSchema }))).incidents.map(
        ({ id }) => id,
      );
    case 'releases':
      return (await api.ask(endpoint('GET /v1/releases'), z.looseObject({ releases: idsSchema }))).releases.map(
        ({ id }) => id,
      );
    default:
      return namesOfDevices(kind, (await api.ask(endpoint('GET /v1/devices'), devicesSchema)).devices);
  }
}

type Listed = z.infer<typeof devicesSchema>['devices'];

function namesOfDevices(kind: 'devices' | 'sites' | 'cohorts', devices: Listed): readonly string[] {
  return devices.map(({ site, device, hardwareClass }) => {
    if (kind === 'sites') return site;
    return kind === 'devices' ? `${site}/${device}` : `${site}/${hardwareClass ?? 'unknown'}`;
  });
}
