// Routes that the kill page reads: what can be killed with live counts, and how far a kill has come. From memory alone.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type KillChoices,
  type KillProgress,
  killChoicesSchema,
  killProgressSchema,
} from '../../../shared/protocol/api-kill-page.ts';
import { seesEverything } from '../../../shared/protocol/permissions.ts';
import { addressKey, type PresenceBook } from '../../devices/presence.ts';
import { killChoices } from '../../kill-switch/kill-choices.ts';
import { killProgress } from '../../kill-switch/kill-progress.ts';
import type { KillSwitch } from '../../kill-switch/kill-switch.ts';
import { ProblemError } from '../problems.ts';
import { onSeenSites, seenKills } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['kills'];
const pathSchema = z.looseObject({ id: z.string().min(1).max(64) });

/** Names to choose from while typing; every device can be typed. */
const DEVICES_LISTED_MAX = 2000;

export type KillProgressParts = {
  readonly killSwitch: KillSwitch;
  readonly presence: PresenceBook;
  readonly wallNow: () => number;
};

export function registerKillProgressRoutes(app: HttpApp, parts: KillProgressParts): void {
  app.get(
    '/v1/kill-choices',
    {
      schema: {
        tags: TAGS,
        summary: 'What can be killed now, with how many devices each would reach',
        response: { 200: killChoicesSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => choicesNow(parts, request),
  );
  app.get(
    '/v1/kills/:id/progress',
    {
      schema: {
        tags: TAGS,
        summary:
          'How far a kill has come: counts, measured times and the first names; and what comes back when it ends',
        params: pathSchema,
        response: { 200: killProgressSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => {
      const progress = progressNow(parts, params.id);
      if (progress === null) throw new ProblemError('not-found', `no kill is called "${params.id}"`);
      return progress;
    },
  );
}

/** What the caller may see: what reaches beyond its sites is left out. */
export async function choicesNow(
  { killSwitch, presence, wallNow }: KillProgressParts,
  request: FastifyRequest,
): Promise<KillChoices> {
  const devices = onSeenSites(request, presence.list());
  const isEverywhere = seesEverything(request.identity);
  const choices = killChoices(devices, wallNow()).filter(({ kind }) => isEverywhere || kind === 'site');
  const isSeen = await seenKills(request);
  return {
    choices: [...choices],
    devices: devices.map(addressKey).sort().slice(0, DEVICES_LISTED_MAX),
    inForce: killSwitch.active().filter(({ scope }) => isSeen(scope)),
  };
}

/** Null when no kill is called so. */
export function progressNow({ killSwitch, presence }: KillProgressParts, id: string): KillProgress | null {
  const result = killSwitch.get(id);
  if (result === null) return null;
  const others = killSwitch.active().filter((kill) => kill.id !== id);
  return killProgress({ result, devices: presence.list(), others, fault: killSwitch.fault() });
}
