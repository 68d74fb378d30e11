// A word on stderr when an answer takes its time; none when it comes at once, or when JSON was asked for.
import type { Output } from './output.ts';

const PATIENCE_MS = 2000;

export async function whileWaiting<T>(output: Output, words: string, answer: Promise<T>): Promise<T> {
  if (output.json) return answer;
  const timer = setTimeout(() => output.note(words), PATIENCE_MS);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
