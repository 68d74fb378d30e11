// A page that fails says so and leaves the rest standing: the kill button works whatever a chart does.

import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { useLocation } from 'preact-iso';

export function Boundary({ children }: { readonly children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary();
  const { path } = useLocation();
  useEffect(() => reset(), [path]);
  if (error === undefined) return <>{children}</>;
  return (
    <section class="trouble" role="alert">
      <h1>This page has failed</h1>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>The fleet is not touched by this. The command line shows the same: belay status</p>
      <button type="button" onClick={() => location.reload()}>
        Load it again
      </button>
    </section>
  );
}
