// A sign with its word, coloured: state, verdict. The sign is for the eye alone.
import type { Sign } from './words.ts';

export function Chip({ sign: { sign, word, tone } }: { readonly sign: Sign }) {
  return (
    <span class={`chip ${tone}`}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}
