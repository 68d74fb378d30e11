// Every migration by its number. Additive only: expand, ship, contract later. 001–009 floor, 010–019 rollouts.
import type { Migration } from 'kysely/migration';
import * as floor from './migrations/001-floor.ts';
import * as rollouts from './migrations/010-rollouts.ts';
import * as aftermath from './migrations/018-aftermath.ts';
import * as drills from './migrations/019-drills.ts';
import * as revisions from './migrations/020-revisions.ts';
import * as business from './migrations/021-business.ts';
import * as identity from './migrations/022-identity.ts';
import * as idempotency from './migrations/023-idempotency.ts';
import * as webhooks from './migrations/024-webhooks.ts';
import * as course from './migrations/025-course.ts';
import * as rehearsals from './migrations/026-rehearsals.ts';
import * as releaseCards from './migrations/028-release-cards.ts';
import * as sitePolicies from './migrations/029-site-policies.ts';
import * as deviceDuty from './migrations/030-device-duty.ts';

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-floor': floor,
  '010-rollouts': rollouts,
  '018-aftermath': aftermath,
  '019-drills': drills,
  '020-revisions': revisions,
  '021-business': business,
  '022-identity': identity,
  '023-idempotency': idempotency,
  '024-webhooks': webhooks,
  '025-course': course,
  '026-rehearsals': rehearsals,
  '028-release-cards': releaseCards,
  '029-site-policies': sitePolicies,
  '030-device-duty': deviceDuty,
};
