// Guardrail by site and hardware: where a difference lies. A cell narrows the devices below to its own.

import { cellOf, placesOf } from './evidence-words.ts';
import type { Parts } from './parts.ts';

export function Matrix({ view, evidence, query, set }: Parts) {
  const places = evidence === null ? [] : placesOf(evidence);
  if (evidence === null || places.length === 0) return null;
  return (
    <section aria-labelledby="matrix">
      <h2 id="matrix">By site and hardware</h2>
      <p class="soft">
        Mean of the devices, less what controls of the same place did. Few devices each: a sign to look, no verdict.
      </p>
      <div class="scroll">
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">Guardrail</th>
              {places.map(({ site, hardwareClass }) => (
                <th key={`${site} ${hardwareClass}`} scope="col">
                  {site}
                  <br />
                  <small>{hardwareClass}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {evidence.guardrails.map((one) => (
              <tr key={one.guardrail}>
                <th scope="row">{one.title}</th>
                {places.map(({ site, hardwareClass }) => {
                  const cell = one.cells.find((each) => each.site === site && each.hardwareClass === hardwareClass);
                  const verdict = view.guardrails.find(({ guardrail }) => guardrail === one.guardrail);
                  const shown = cell && cellOf(one, cell, verdict);
                  const isChosen = query.site === site && query.hw === hardwareClass;
                  return (
                    <td key={`${site} ${hardwareClass}`}>
                      {shown === undefined ? (
                        <span class="soft">–</span>
                      ) : (
                        <button
                          type="button"
                          class={`cell ${shown.tone}`}
                          aria-pressed={isChosen}
                          title={shown.says}
                          onClick={() => set(isChosen ? { site: '', hw: '' } : { site, hw: hardwareClass })}
                        >
                          <span aria-hidden="true">{shown.sign}</span> {shown.text} <small>n {cell?.devices}</small>
                          <span class="unseen">{shown.stands}</span>
                        </button>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
