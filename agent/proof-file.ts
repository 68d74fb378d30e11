// Proof results kept on disk, so that the baseline is scored once per digest and not at every start. A convenience:
// a candidate is proven afresh in every boot, whatever lies here; a file that cannot be read is forgotten.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../shared/basics/errors.ts';
import { countSchema, digestSchema, timeSchema } from '../shared/basics/identifiers.ts';
import { parseJson } from '../shared/basics/parsing.ts';
import { goldenScoreSchema } from '../shared/protocol/golden-score.ts';
import type { ProofRecord } from './core/state.ts';
import type { RoomLog } from './frames/child-log.ts';

/** Newest kept: more releases than a device ever holds. */
const PROOFS_MAX = 12;

const proofSchema = z.object({
  digest: digestSchema,
  release: z.string(),
  passed: z.boolean(),
  reason: z.string(),
  atMs: timeSchema,
  frames: countSchema,
  loadMs: z.number(),
  coldStartMs: z.number(),
  coldStartsMs: z.array(z.number()).optional(),
  startsTried: countSchema.optional(),
  scores: z.array(goldenScoreSchema),
});

const fileSchema = z.object({ agentVersion: z.string(), proofs: z.array(proofSchema) });

export type ProofFile = { readonly proofs: readonly ProofRecord[]; readonly keep: (record: ProofRecord) => void };

/** Proofs of another agent version are not taken over: its runtime may answer otherwise. */
export function openProofFile(dataDir: string, agentVersion: string, log: RoomLog): ProofFile {
  const path = join(dataDir, 'proofs.json');
  let proofs = readProofs(path, agentVersion, log);
  return {
    proofs,
    keep(record) {
      proofs = [...proofs.filter((proof) => proof.digest !== record.digest), record].slice(-PROOFS_MAX);
      try {
        mkdirSync(dataDir, { recursive: true });
        writeFileSync(`${path}.new`, JSON.stringify({ agentVersion, proofs }));
        renameSync(`${path}.new`, path);
      } catch (error) {
        // Half a file on a full disk takes the place that the state and the spool need.
        discard(`${path}.new`);
        log.warn({ error: describeError(error) }, 'a proof result could not be kept; it will be made again');
      }
    },
  };
}

function readProofs(path: string, agentVersion: string, log: RoomLog): readonly ProofRecord[] {
  if (!existsSync(path)) return [];
  try {
    const parsed = parseJson(fileSchema, readFileSync(path));
    if (!parsed.ok) log.warn({ path }, 'kept proof results cannot be read; they will be made again');
    return parsed.ok && parsed.value.agentVersion === agentVersion ? parsed.value.proofs : [];
  } catch (error) {
    log.warn({ path, error: describeError(error) }, 'kept proof results cannot be read; they will be made again');
    return [];
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A disk that is read-only holds none.
  }
}
