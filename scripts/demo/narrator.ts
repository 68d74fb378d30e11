// How the demo speaks: headings, sentences with a clock, and a progress line that is redrawn only on a terminal.
import { styleText } from 'node:util';

type Tone = 'green' | 'red' | 'yellow' | 'cyan' | 'bold' | 'dim';

export type Narrator = {
  heading(text: string): void;
  say(text: string, tone?: Tone): void;
  /** A share from 0 to 1 of something that takes a while. */
  progress(what: string, share: number): void;
  tint(tone: Tone, text: string): string;
};

const BAR_CELLS = 24;
/** Elsewhere than on a terminal, progress is said at each of these many steps. */
const PLAIN_STEPS = 4;

export function openNarrator(out: NodeJS.WriteStream, monotonicNow: () => number): Narrator {
  const startedAtMs = monotonicNow();
  const tint = (tone: Tone, text: string): string => styleText(tone, text, { stream: out });
  const clock = (): string => tint('dim', `${((monotonicNow() - startedAtMs) / 1000).toFixed(1).padStart(6)} s `);
  let lastStep = -1;
  let lastWhat = '';
  return {
    tint,
    heading: (text) => {
      out.write(`\n${tint('bold', text)}\n`);
    },
    say: (text, tone) => {
      out.write(`${clock()} ${tone ? tint(tone, text) : text}\n`);
    },
    progress: (what, share) => {
      if (out.isTTY) {
        const filled = Math.round(share * BAR_CELLS);
        out.write(
          `\r${clock()} ${what} ${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${Math.round(share * 100)} %${share >= 1 ? '\n' : ''}`,
        );
        return;
      }
      const step = Math.floor(share * PLAIN_STEPS);
      if (what === lastWhat && step === lastStep) return;
      [lastWhat, lastStep] = [what, step];
      out.write(`${clock()} ${what}: ${Math.round(share * 100)} %\n`);
    },
  };
}
