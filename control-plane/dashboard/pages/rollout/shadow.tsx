// What both releases said of the same frames, by class; the frames themselves are fetched when somebody wants to see them.
import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';

import { agreementText, shadowSummary } from './evidence-words.ts';
import type { Parts } from './parts.ts';

export function Shadow({ view, evidence }: Parts) {
  if (!view.stages.some(({ mode }) => mode === 'shadow')) return null;
  const shadow = evidence?.shadow ?? null;
  return (
    <section aria-labelledby="shadow">
      <h2 id="shadow">Shadow review</h2>
      {shadow === null ? (
        <p class="soft">No shadow has answered yet, or its windows are no longer kept.</p>
      ) : (
        <>
          <p>{shadowSummary(shadow)}</p>
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  {['Class', 'Agreement', 'Baseline', 'Candidate', 'Lost', 'Gained', 'Other class'].map((title, at) => (
                    <th key={title} scope="col" class={at === 0 ? '' : 'n'}>
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {shadow.classes.map((one) => (
                  <tr key={one.class}>
                    <th scope="row">{one.class}</th>
                    <td class="n">{agreementText(one)}</td>
                    {[one.baselineConfident, one.candidateConfident, one.lost, one.gained, one.wrongClass].map(
                      (n, at) => (
                        <td key={SHADOW_KEYS[at]} class="n">
                          {n.toLocaleString('en')}
                        </td>
                      ),
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p class="soft">
            Confident answers only. Lost: the baseline saw it and the candidate does not. Gained: the other way round.
          </p>
        </>
      )}
      <Frames rolloutId={view.id} />
    </section>
  );
}

/** Their part of the page is loaded with the first look. */
function Frames({ rolloutId }: { readonly rolloutId: string }) {
  const [Shown, setShown] = useState<ComponentType<{ readonly rolloutId: string }> | null>(null);
  if (Shown !== null) return <Shown rolloutId={rolloutId} />;
  const load = async (): Promise<void> => {
    const { ShadowFrames } = await import('./shadow-frames.tsx');
    setShown(() => ShadowFrames);
  };
  return (
    <p class="actions" id="frames">
      <button type="button" onClick={load}>
        Frames where they differ …
      </button>
    </p>
  );
}

const SHADOW_KEYS = ['baseline', 'candidate', 'lost', 'gained', 'wrong'] as const;
