// The two ends of a rollout: everyone back on what they ran before, or everyone committed to the candidate.
// Both wait for what devices report, never for what was sent.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import { list } from './decide.ts';

export type EndingDevice = {
  readonly device: string;
  readonly online: boolean;
  readonly reported: Reported | null;
  /** What it ran before the rollout. */
  readonly baseline: ReleaseRef;
  readonly isReverted: boolean;
};

export type Ending = {
  readonly isDone: boolean;
  /** n of m, stragglers and offline devices by name. */
  readonly sentence: string;
  readonly stragglers: readonly string[];
  readonly offline: readonly string[];
};

/** Done when every reachable device reports frames answered by its own release from before, or by that one's fallback. */
export function judgeRollback(devices: readonly EndingDevice[], candidateDigest: string): Ending {
  return judgeEnding(devices, {
    isThere: (device) => isBack(device, candidateDigest),
    done: 'answer with the release that each ran before',
    later: 'revert when they are back',
  });
}

/** Done when every reachable device reports the candidate as its committed release. Devices that went back stay back. */
export function judgeCommit(devices: readonly EndingDevice[], candidateDigest: string): Ending {
  return judgeEnding(devices, {
    isThere: ({ reported, isReverted }) => isReverted || reported?.committed?.digest === candidateDigest,
    done: 'have the candidate as their committed release',
    later: 'commit when they are back',
  });
}

function isBack({ reported, baseline }: EndingDevice, candidateDigest: string): boolean {
  if (reported === null || reported.candidate?.digest === candidateDigest) return false;
  if (reported.servedFrames === 0) return false;
  if (reported.serving?.digest === baseline.digest) return true;
  // Its own release is killed or has failed here: its fallback answers, and waiting longer would not bring it back.
  const hasFallen = reported.kills.length > 0 || reported.blocked.some(({ kind }) => kind === 'baseline-failed');
  const isOwn = reported.committed?.digest === baseline.digest;
  return hasFallen && isOwn && reported.serving?.digest !== candidateDigest;
}

/** Whether a device says that something else answers and nothing of the release is on trial there any more. */
export function hasLeft(reported: Reported | null, digest: string): boolean {
  if (reported === null || reported.servedFrames === 0) return false;
  return reported.serving?.digest !== digest && reported.candidate?.digest !== digest;
}

type Wording = {
  readonly isThere: (device: EndingDevice) => boolean;
  readonly done: string;
  readonly later: string;
};

function judgeEnding(devices: readonly EndingDevice[], { isThere, done, later }: Wording): Ending {
  const reachable = devices.filter(({ online }) => online);
  const offline = devices.filter((device) => !device.online && !isThere(device)).map(({ device }) => device);
  const stragglers = reachable.filter((device) => !isThere(device)).map(({ device }) => device);
  const there = reachable.length - stragglers.length;
  // With nobody reachable nothing was proven, unless there is nobody at all.
  const isDone = stragglers.length === 0 && (reachable.length > 0 || devices.length === 0);
  const waiting = stragglers.length === 0 ? '' : `; waiting for ${list(stragglers)}`;
  const away = offline.length === 0 ? '' : `; offline, ${later}: ${list(offline)}`;
  return {
    isDone,
    sentence: `${there} of ${reachable.length} reachable devices ${done}${waiting}${away}`,
    stragglers,
    offline,
  };
}
