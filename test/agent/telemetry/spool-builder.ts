// Events and windows without their number, and a temporary spool, for the tests of this room.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { EventBody, WindowBody } from '../../../agent/telemetry/document-body.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../../agent/telemetry/spool.ts';
import type { Window } from '../../../shared/measure/window.ts';
import { buildArm, buildWindow } from '../../shared/measure/window-builder.ts';

export const SILENT = pino({ level: 'silent' });

export function buildEvent(reason: string, part: Partial<EventBody> = {}): EventBody {
  return { v: 1, site: 'plant-a', device: 'cam-01', boot: 'boot-0001', kind: 'breach', atMs: 1, reason, ...part };
}

/** A window of one frame, so that frames count windows however they are merged. */
export function buildBody(part: Partial<Window> = {}): WindowBody {
  const { seq: _, ...body } = buildWindow({ arms: [buildArm({ frames: 1, answered: 1, errors: {} })], ...part });
  return body as WindowBody;
}

export type TemporaryFolder = { readonly path: (name: string) => string; readonly remove: () => void };

export function openTemporaryFolder(): TemporaryFolder {
  // In memory where there is such a folder: thousands of small commits are not what these tests are about.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'belay-spool-'));
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function openTestSpool(path: string, part: Partial<SpoolOptions> = {}): Spool {
  return openSpool({ path, boot: 'boot-0001', log: SILENT, ...part });
}
