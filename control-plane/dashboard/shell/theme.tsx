// Light, dark, or as the machine says; remembered in this browser.
import { signal } from '@preact/signals';

const NAMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof NAMES)[number];

const STORED_AS = 'belay-theme';
const theme = signal<Theme>('auto');

/** Before anything is drawn. */
export function restoreTheme(): void {
  const stored = NAMES.find((name) => name === localStorage.getItem(STORED_AS));
  setTheme(stored ?? 'auto');
}

function setTheme(next: Theme): void {
  theme.value = next;
  document.documentElement.style.colorScheme = next === 'auto' ? 'light dark' : next;
  if (next === 'auto') localStorage.removeItem(STORED_AS);
  else localStorage.setItem(STORED_AS, next);
}

const GLYPHS: Readonly<Record<Theme, string>> = { auto: '◐', light: '☀', dark: '☾' };

export function ThemeButton() {
  const next = NAMES[(NAMES.indexOf(theme.value) + 1) % NAMES.length] ?? 'auto';
  return (
    <button
      type="button"
      class="quiet"
      onClick={() => setTheme(next)}
      title={`Colours: ${theme.value}. Press for ${next}.`}
      aria-label={`Colours: ${theme.value}. Change to ${next}.`}
    >
      <span aria-hidden="true">{GLYPHS[theme.value]}</span>
    </button>
  );
}
