// The rooms of the control plane, built from a configuration: everything below the broker, the loops and the routes.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Audit, openAudit } from './audit/audit.ts';
import { type Business, openBusiness } from './business/business.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import { type Devices, openDevices, restorePresence } from './devices/devices.ts';
import { PresenceBook } from './devices/presence.ts';
import { Drills } from './drills/drills.ts';
import { type DutyParts, type DutyRoom, openDuty } from './duty/duty.ts';
import { type Foresight, openForesight } from './foresight/foresight.ts';
import { type IdentityRoom, openIdentity } from './identity/identity.ts';
import type { PasswordCost } from './identity/passwords.ts';
import { type Incidents, openIncidents } from './incidents/incidents.ts';
import { openKillJournal } from './kill-switch/kill-journal.ts';
import { openKillStore } from './kill-switch/kill-store.ts';
import { KillSwitch } from './kill-switch/kill-switch.ts';
import { type Leases, openLeases } from './leases/leases.ts';
import { Live } from './live/live.ts';
import { Notifications } from './notifications/notifications.ts';
import { type Outlet, openOutlet } from './outlet.ts';
import { openPictures, type Pictures } from './pictures/pictures.ts';
import { openArtifactStore } from './registry/artifact-store.ts';
import { openRegistry, type Registry } from './registry/registry.ts';
import { openRollouts, type Rollouts } from './rollouts/rollouts.ts';
import { openSigning, type Signing } from './signing/signing.ts';

export type Rooms = {
  readonly config: Config;
  readonly log: Logger;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly database: Database;
  readonly audit: Audit;
  readonly identity: IdentityRoom;
  readonly signing: Signing;
  readonly registry: Registry;
  readonly presence: PresenceBook;
  readonly devices: Devices;
  readonly duty: DutyRoom;
  readonly killSwitch: KillSwitch;
  readonly leases: Leases;
  readonly rollouts: Rollouts;
  readonly incidents: Incidents;
  readonly business: Business;
  readonly drills: Drills;
  readonly foresight: Foresight;
  readonly outlet: Outlet;
  readonly pictures: Pictures;
  readonly notifications: Notifications;
  readonly live: Live;
};

/** Reads what the data folder holds; nothing is sent or taken yet. */
export async function openRooms(config: Config, database: Database, log: Logger, cost?: PasswordCost): Promise<Rooms> {
  const clocks = { wallNow: () => Date.now(), monotonicNow: () => performance.now() };
  let live: Live | null = null;
  const audit = openAudit({ database, ...clocks, onAppend: (row) => live?.recorded(row) });
  const identity = await openIdentity({ ...clocks, database, audit, log, ...(cost ? { cost } : {}) });
  const signing = await openSigning(config.dataDir);
  const artifacts = await openArtifactStore(join(config.dataDir, 'artifacts'), config.registry.artifactBytesMax);
  const registry = await openRegistry({ database, artifacts, audit, policy: config.registry, ...clocks });
  const presence = new PresenceBook();
  const outlet = openOutlet();
  const killSwitch = new KillSwitch({
    ...clocks,
    sign: signing.sign,
    publish: (topic, text) => outlet.publish(topic, text, { retain: true, qos: 1 }),
    presence,
    journal: openKillJournal(join(config.dataDir, 'kills.json')),
    store: openKillStore({ database, audit }),
    log,
  });
  await killSwitch.open();
  await restorePresence({ database, presence, ...clocks });
  const devices = openDevices({ database, presence, ...clocks });
  const leases = openLeases({
    ...clocks,
    presence,
    isKilled: (address, candidate) => killSwitch.stops(address, candidate),
    sign: signing.sign,
    publish: (topic, text) => outlet.publish(topic, text, { qos: 0 }),
    log,
  });
  const rollouts = openRollouts({ ...clocks, startedAtMs: clocks.wallNow(), database, registry, devices, audit, log });
  const duty = await dutyOf({ ...clocks, database, audit, devices, presence }, rollouts, outlet);
  const foresight = openForesight({ ...clocks, database, registry, devices, rollouts, log });
  const incidents = openIncidents({ ...clocks, database, audit });
  const business = openBusiness({ ...clocks, database, audit, devices });
  const drills = new Drills({ ...clocks, database, audit, registry, rollouts, devices, log });
  const pictures = await openPictures({ ...clocks, database, audit, presence, devices, signing, outlet, log });
  const instance = signing.keySet.keys[0]?.kid ?? 'belay';
  const notifications = new Notifications({
    ...{ ...clocks, database, audit, log, instance },
    settings: config.webhooks,
    random: () => Math.random(),
  });
  live = new Live({ ...clocks, database, presence, rollouts, incidents, killSwitch, log });
  const opened = {
    live,
    notifications,
    drills,
    audit,
    identity,
    signing,
    registry,
    presence,
    devices,
    duty,
    killSwitch,
    leases,
    rollouts,
    incidents,
    business,
    foresight,
    outlet,
    pictures,
  };
  return { config, log, ...clocks, database, ...opened };
}

function dutyOf(
  parts: Pick<DutyParts, 'database' | 'audit' | 'devices' | 'presence' | 'wallNow'>,
  rollouts: Rollouts,
  outlet: Outlet,
): Promise<DutyRoom> {
  return openDuty({
    ...parts,
    inTurn: (work) => rollouts.inTurn(work),
    disconnect: (address) => outlet.disconnect(address),
    clear: (topic) => outlet.publish(topic, '', { retain: true, qos: 1 }),
  });
}
