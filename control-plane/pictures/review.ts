// Disagreeing frames of a rollout's shadow: which of its devices are asked, a few at a time, those that were asked longest ago
// first. Decides nothing about the rollout.
import type { RolloutFrames } from '../../shared/protocol/api-pictures.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { PresenceBook } from '../devices/presence.ts';
import type { Pictures } from './pictures.ts';

export type Review = {
  readonly rolloutId: string;
  readonly actor: string;
  readonly reason: string;
  /** Sites whose pictures this person may ask for. */
  readonly isAllowed: (site: string) => boolean;
};

/** Eight pictures each are what a person goes through, and what lines carry beside their work. */
const DEVICES_MAX = 12;
const LOOKED_AT_MAX = 100;

export async function askForReview(
  { pictures, presence }: { readonly pictures: Pictures; readonly presence: Pick<PresenceBook, 'list'> },
  { rolloutId, actor, reason, isAllowed }: Review,
): Promise<RolloutFrames> {
  const refused = new Map<string, number>();
  const count = (why: string) => refused.set(why, (refused.get(why) ?? 0) + 1);
  const asked: DeviceAddress[] = [];
  const shadows = presence.list().flatMap(({ site, device, desiredCandidate }) => {
    if (desiredCandidate?.role !== 'shadow' || desiredCandidate.rolloutId !== rolloutId) return [];
    const atMs = pictures.askedAtMs({ site, device }, 'disagreements');
    return [{ address: { site, device }, digest: desiredCandidate.digest, atMs }];
  });
  const turn = shadows.sort((a, b) => a.atMs - b.atMs || (a.address.device < b.address.device ? -1 : 1));
  for (const [at, { address, digest }] of turn.entries()) {
    if (!isAllowed(address.site)) count(`you may not see pictures of ${address.site}`);
    else if (asked.length >= DEVICES_MAX || at >= LOOKED_AT_MAX) count(`${DEVICES_MAX} are asked at a time`);
    else {
      const verdict = await pictures.ask({ address, actor, reason, shadow: { rolloutId, digest } });
      if (verdict.kind === 'ask') asked.push(address);
      else count(verdict.why);
    }
  }
  return {
    devices: asked.map((address) => ({ ...pictures.framesOf(address, 'disagreements'), pictures: [] })),
    notAsked: [...refused].map(([why, devices]) => ({ why, devices })),
  };
}
