// Parts that the pages about one thing share: tables that scroll inside themselves, facts, and panels.
import type { ComponentChildren } from 'preact';

type ScrollProps = {
  readonly label: string;
  /** A list that may have hundreds of rows. */
  readonly long?: boolean;
  readonly children: ComponentChildren;
};

/** A table that scrolls inside itself, also with the keyboard. */
export function Scroll({ label, long = false, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <section class={long ? 'scroll long' : 'scroll'} tabIndex={0} aria-label={label}>
      <table>{children}</table>
    </section>
  );
}

export function Facts({
  facts,
  empty,
}: {
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
  readonly empty: string;
}) {
  if (facts.length === 0) return <p>{empty}</p>;
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel({
  title,
  children,
  wide = false,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}) {
  return (
    <div class={wide ? 'panel wide' : 'panel'}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
