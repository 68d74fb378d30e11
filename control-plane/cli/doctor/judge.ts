// What figures mean for `belay doctor`. Pure: figures in, findings out.
import type { StatusReport } from '../../../shared/protocol/api-status.ts';
import { countDevices, formatDuration } from '../render/table.ts';
import { type Finding, notWell, well } from './finding.ts';

const DAY_MS = 86_400_000;
const NODE_MAJOR = 24;
/** Leases, sessions and tokens live by the clock; half a minute is what they bear. */
const SKEW_WARN_MS = 2000;
const SKEW_FAIL_MS = 30_000;
/** Certificates and tokens are renewed before this. */
const EXPIRY_WARN_MS = 14 * DAY_MS;
const FREE_WARN_BYTES = 5 * 1024 ** 3;
const FREE_FAIL_BYTES = 512 * 1024 ** 2;

export function judgeNode(version: string): Finding {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  if (major >= NODE_MAJOR) return well('node', version);
  return notWell('node', 'fail', `${version} is too old`, `install Node ${NODE_MAJOR} or newer`);
}

/** `tookMs`: of the request that brought the other clock; half of it is not known. */
export function judgeClock(theirsMs: number, oursMs: number, tookMs: number): Finding {
  const skewMs = Math.max(0, Math.abs(theirsMs - oursMs) - tookMs / 2);
  const text = `${formatDuration(skewMs)} between this machine and the control plane`;
  if (skewMs < SKEW_WARN_MS) return well('clock', text);
  return notWell(
    'clock',
    skewMs < SKEW_FAIL_MS ? 'warn' : 'fail',
    text,
    'set both clocks by NTP (timedatectl set-ntp true)',
  );
}

export function judgeExpiry(check: string, expiresAtMs: number, nowMs: number, fix: string): Finding {
  const leftMs = expiresAtMs - nowMs;
  const day = new Date(expiresAtMs).toISOString().slice(0, 10);
  if (leftMs <= 0) return notWell(check, 'fail', `over since ${day}`, fix);
  const text = `until ${day} (${formatDuration(leftMs)})`;
  return leftMs < EXPIRY_WARN_MS ? notWell(check, 'warn', text, fix) : well(check, text);
}

export function judgeDisk(folder: string, freeBytes: number): Finding {
  const text = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  if (freeBytes >= FREE_WARN_BYTES) return well('disk', text);
  const state = freeBytes < FREE_FAIL_BYTES ? 'fail' : 'warn';
  return notWell('disk', state, text, 'free some space: releases that nobody needs, old logs, old backups');
}

/** The fleet as a whole: who is silent, what was refused, what is in force. */
export function judgeStatus(status: StatusReport, version: string): readonly Finding[] {
  const { total, online } = status.devices;
  const silent = total - online;
  const sites = status.sites.filter((site) => site.online < site.devices).map(({ site }) => site);
  const behind = status.sites.reduce((sum, site) => sum + site.behind, 0);
  return [
    status.version === version
      ? well('version', version)
      : notWell(
          'version',
          'warn',
          `this command is ${version}, the control plane ${status.version}`,
          'install the same version of both',
        ),
    silent === 0
      ? well('agents', `${online} of ${countDevices(total)} online`)
      : notWell(
          'agents',
          'warn',
          `${silent} of ${countDevices(total)} silent (${sites.join(', ')})`,
          'belay device list -l "not online", then belay device explain SITE/DEVICE',
        ),
    behind === 0
      ? well('orders', 'every device has what was ordered')
      : notWell(
          'orders',
          'warn',
          `${countDevices(behind)} have not reached their newest order`,
          'belay device list; offline ones follow when they are back',
        ),
    ...judgeTrouble(status),
  ];
}

function judgeTrouble({ refused, telemetry, kills }: StatusReport): readonly Finding[] {
  const [last] = refused.last;
  const inForce = kills.filter(({ active }) => active);
  return [
    refused.total === 0
      ? well('messages', 'none was refused')
      : notWell(
          'messages',
          'warn',
          `${refused.total} refused${last ? `; last ${last.site}/${last.device}: ${last.reason}` : ''}`,
          'belay device explain SITE/DEVICE; an agent of another version may be the cause',
        ),
    telemetry.failures === 0
      ? well('telemetry', `${telemetry.stored} stored`)
      : notWell(
          'telemetry',
          'fail',
          `${telemetry.failures} times it could not be stored`,
          'look at disk and database: the log of the control plane has the cause',
        ),
    inForce.length === 0
      ? well('kills', 'none in force')
      : notWell(
          'kills',
          'warn',
          `${inForce.length} in force: ${inForce.map(({ id }) => id).join(', ')}`,
          'when it is safe again: belay rearm KILL --reason "…"',
        ),
  ];
}
