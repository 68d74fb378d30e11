// What a change of a rollout file is: a sign and a word for each kind.
import type { RolloutEdited } from '../../../../shared/protocol/api-revisions.ts';
import type { Sign } from './words.ts';

export const changeSigns: Readonly<Record<RolloutEdited['changes'][number]['kind'], Sign>> = {
  tighten: { sign: '↓', word: 'tighter', tone: 'good' },
  neutral: { sign: '·', word: 'neither tighter nor looser', tone: 'soft' },
  loosen: { sign: '↑', word: 'looser, needs approval', tone: 'warn' },
  forbidden: { sign: '✕', word: 'may not change', tone: 'bad' },
};
