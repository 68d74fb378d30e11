// The names of conditions, worst first, without the schema that the server reads them with.
import type { LiveCondition } from '../../../../shared/protocol/api-live.ts';
import { CONDITIONS } from './conditions.ts';

export const LIVE_CONDITIONS = Object.keys(CONDITIONS) as readonly LiveCondition[];
