// Where the CLI's words go: data to stdout, everything else to stderr; JSON on request; colour only on a terminal.
import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold';

export type Output = {
  readonly json: boolean;
  /** `value` as JSON with --json (one line), else the text. */
  show(value: unknown, text: () => string): void;
  note(text: string): void;
  tint(tone: Tone, text: string): string;
  /** As `show` writes it: nothing that steers a terminal, and ASCII where that was asked for. */
  plain(text: string): string;
  /** True when stdout is a terminal that can be redrawn. */
  readonly redraws: boolean;
};

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;

const CONTROLS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;
const ESCAPE = String.fromCharCode(27);
/** An escape that only sets a colour. */
const COLOUR = /^.\[[0-9;]{0,16}m/s;

/** Devices and callers choose some of the words that are shown: none of them may steer the terminal of the reader. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (found, at: number) => {
    const isHarmless = found === '\n' || found === '\t' || (found === ESCAPE && COLOUR.test(text.slice(at, at + 19)));
    return isHarmless ? found : '\ufffd';
  });
}

const TWINS: Readonly<Record<string, string>> = {
  '✔': 'v',
  '✘': 'x',
  '●': '*',
  '○': 'o',
  '▶': '>',
  '→': '->',
  '←': '<-',
  '…': '...',
  '–': '-',
  '—': '-',
  '·': '.',
  '×': 'x',
  '≤': '<=',
  '≥': '>=',
  '±': '+/-',
  '≈': '~',
  '−': '-',
  '°': ' ',
  '“': '"',
  '”': '"',
  '’': "'",
};

/** Each sign by its twin; what has none becomes "?". */
export function asciiTwin(text: string): string {
  return text.replace(/[^\p{Cc} -~]/gu, (sign) => TWINS[sign] ?? '?');
}

export function openOutput({ json, ascii }: { readonly json: boolean; readonly ascii: boolean }): Output {
  const isDumb = process.env.TERM === 'dumb';
  const plain = (text: string): string => (ascii || isDumb ? asciiTwin(printable(text)) : printable(text));
  return {
    json,
    redraws: process.stdout.isTTY === true && !json && !isDumb,
    plain,
    show: (value, text) => {
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${plain(text())}\n`);
    },
    note: (text) => {
      process.stderr.write(`${plain(text)}\n`);
    },
    tint: (tone, text) => styleText(STYLES[tone], text, { stream: process.stdout }),
  };
}
