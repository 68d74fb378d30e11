// /v1/metrics/business: figures that people bring in, and what is known.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { FIGURES } from '../measure/business.ts';
import { IMPORT_CHARACTERS_MAX } from '../measure/business-import.ts';

export const importBodySchema = z.strictObject({
  /** CSV with a header, a JSON list, or one JSON object a line. */
  text: z.string().min(1).max(IMPORT_CHARACTERS_MAX),
  /** Where it comes from, such as the name of the file; kept in the audit. */
  source: z.string().min(1).max(200),
  actor: z.string().min(1).max(200),
});

export const importAnswerSchema = z.looseObject({
  id: countSchema,
  records: countSchema,
  /** Devices and lines that it is about. */
  units: countSchema,
  figures: z.array(z.enum(FIGURES)),
});

const coverageSchema = z.looseObject({
  site: z.string(),
  device: z.string().nullable(),
  line: z.string().nullable(),
  fromMs: timeSchema,
  toMs: timeSchema,
  records: countSchema,
  figures: z.array(z.enum(FIGURES)),
});

export const coverageListSchema = z.looseObject({ units: z.array(coverageSchema) });

export type ImportAnswer = z.infer<typeof importAnswerSchema>;
export type BusinessCoverage = z.infer<typeof coverageSchema>;
