// What pages say about pictures that devices give when somebody asks. No zod here: it runs in a browser.
import type { DeviceDocument } from '../../../../shared/protocol/api-devices.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { FramesAnswer, KeptPicture, RolloutFrames, SitePolicy } from '../../../../shared/protocol/api-pictures.ts';
import { may } from '../../../../shared/protocol/permissions.ts';

/** Why this device cannot be asked now; null: it can. The server decides again. */
export function whyNoFrame(
  device: Pick<DeviceDocument, 'site' | 'device' | 'online' | 'reported'>,
  policy: Pick<SitePolicy, 'pictures'> | null,
  session: SessionAnswer | null,
): string | null {
  const { site, online, reported } = device;
  if (policy === null) return 'reading what the site allows';
  if (policy.pictures === 'off') return `pictures are off at ${site}`;
  const lack = lacksOperator(session, site);
  if (lack !== null) return lack;
  if (!online) return 'it is offline';
  if (reported?.pictures === undefined) return 'its agent is too old to give pictures';
  return reported.pictures === 'never' ? 'it is configured to give no pictures' : null;
}

export function lacksOperator(session: SessionAnswer | null, site: string): string | null {
  if (session === null || session.open) return null;
  return may(session.identity, 'operate', site)
    ? null
    : `${session.identity.name} is not operator at ${site}; ask an admin`;
}

export function isWaiting({ ask }: Pick<FramesAnswer, 'ask'>): boolean {
  return ask?.state === 'asked';
}

/** What became of the ask; null: nothing to say beside the pictures. */
export function askText({ ask, pictures }: Pick<FramesAnswer, 'ask' | 'pictures'>): string | null {
  if (ask === null) return null;
  if (ask.state === 'asked') return 'Asked; a device takes some seconds.';
  if (ask.state === 'expired') return 'It has not answered. Ask again, or look at its events for why.';
  if (ask.state === 'refused') return `It gave none: ${ask.says}.`;
  if (ask.says !== null) return `It says: ${ask.says}.`;
  return pictures.length === 0 ? 'The picture has been forgotten. Ask again.' : null;
}

const PERCENT = 100;
const NAMED_MAX = 4;

function named(objects: KeptPicture['arms'][number]['objects']): string {
  const disputed = objects.filter(({ isDisputed }) => isDisputed).sort((a, b) => b.score - a.score);
  const names = disputed.slice(0, NAMED_MAX).map(({ label, score }) => `${label} ${Math.round(score * PERCENT)} %`);
  return disputed.length > NAMED_MAX ? `${names.join(', ')} and ${disputed.length - NAMED_MAX} more` : names.join(', ');
}

/** What one release found and the other did not, in words. */
export function differenceText({ arms }: Pick<KeptPicture, 'arms'>): string {
  if (arms.length < 2) return `Only ${arms[0]?.release ?? 'one release'} has answered this frame.`;
  const of = (wanted: string) => named(arms.find(({ arm }) => arm === wanted)?.objects ?? []);
  const [lost, gained] = [of('baseline'), of('candidate')];
  if (lost === '' && gained === '') return 'Both releases agree on this frame.';
  return [lost === '' ? '' : `Lost: ${lost}.`, gained === '' ? '' : `Gained: ${gained}.`].filter(Boolean).join(' ');
}

export type RankedFrame = KeptPicture & { readonly name: string };

/** Of all devices, the largest disagreement first. */
export function rankedFrames({ devices }: Pick<RolloutFrames, 'devices'>): readonly RankedFrame[] {
  return devices
    .flatMap(({ site, device, pictures }) => pictures.map((picture) => ({ ...picture, name: `${site}/${device}` })))
    .sort((a, b) => b.disagreement - a.disagreement);
}

/** What is to be known beside the frames: who still works on it, who gave none, who was not asked. */
export function reviewNotes({ devices, notAsked }: RolloutFrames): readonly string[] {
  const waiting = devices.filter(isWaiting).length;
  const says = devices.flatMap((one) => {
    const text = isWaiting(one) ? null : askText(one);
    return text === null ? [] : [`${one.site}/${one.device}: ${text}`];
  });
  return [
    ...(waiting === 0 ? [] : [`Waiting for ${count(waiting)}: each looks for ten seconds the first time.`]),
    ...says,
    ...notAsked.map(({ why, devices: skipped }) => `Not asked: ${count(skipped)} (${why}).`),
  ];
}

function count(devices: number): string {
  return `${devices} device${devices === 1 ? '' : 's'}`;
}
