// Where the CLI's words go: data to stdout, everything else to stderr; JSON on request; colour only on a terminal.
import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold';

export type Output = {
  readonly json: boolean;
  /** `value` as JSON with --json (one line), else the text. */
  show(value: unknown, text: () => string): void;
  note(text: string): void;
  tint(tone: Tone, text: string): string;
  /** True when stdout is a terminal that can be redrawn. */
  readonly redraws: boolean;
};

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;

export function openOutput(options: { json: boolean }): Output {
  return {
    json: options.json,
    redraws: process.stdout.isTTY === true && !options.json && process.env.TERM !== 'dumb',
    show: (value, text) => {
      process.stdout.write(options.json ? `${JSON.stringify(value)}\n` : `${text()}\n`);
    },
    note: (text) => {
      process.stderr.write(`${text}\n`);
    },
    tint: (tone, text) => styleText(STYLES[tone], text, { stream: process.stdout }),
  };
}
