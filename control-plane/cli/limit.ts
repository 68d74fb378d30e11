// `--limit` of lists: without it every page is read, with it the newest so many, and it is said when there are more.
import { type Command, InvalidArgumentError } from 'commander';
import { PAGE_MAX } from '../../shared/protocol/api-paging.ts';
import type { Output } from './output.ts';

export type LimitOption = { readonly limit?: number };

export function addLimit(command: Command): Command {
  return command.option('--limit <number>', 'the newest so many (default: all)', readLimit);
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX) return limit;
  throw new InvalidArgumentError(`It is a whole number from 1 to ${PAGE_MAX}; without it all are shown.`);
}

/** Beside the list, not in it: whoever reads it by program sees `nextCursor`. */
export function tellMore(
  output: Pick<Output, 'note' | 'json'>,
  list: { readonly nextCursor?: string | undefined },
): void {
  if (list.nextCursor !== undefined && !output.json) output.note('There are more: leave --limit out to see all.');
}
