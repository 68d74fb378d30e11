// Ways to tint that a test can read.
import type { Output } from '../../../../control-plane/cli/output.ts';

type Tint = Pick<Output, 'tint'>;

export const plain: Tint = { tint: (_tone, text) => text };
export const tagged: Tint = { tint: (tone, text) => `<${tone}:${text}>` };
