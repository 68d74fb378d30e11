// All guardrails in one picture, each on its own scale: no change on the left line, its limit on the dashed one.
import { ForestBar } from '../../charts/forest.tsx';
import type { Parts } from './parts.ts';
import { Chip } from './signs.tsx';
import { sortVerdicts, titleOf } from './verdict-words.ts';
import { rangeText, signOfVerdict, valueText } from './words.ts';

export function Forest({ view, chosen, set }: Parts & { readonly chosen: string | null }) {
  if (view.guardrails.length === 0) return null;
  return (
    <section aria-labelledby="forest">
      <h2 id="forest">All guardrails at once</h2>
      <p class="soft">
        Each row has its own scale: no change at the thin line, the limit at the dashed one, worse to the right. A bar
        is red only when all of it is past its limit.
      </p>
      <div class="scroll">
        <table class="forest-table">
          <thead>
            <tr>
              <th scope="col">Guardrail</th>
              <th scope="col">Limit</th>
              <th scope="col" class="n">
                Now
              </th>
              <th scope="col">Range</th>
              <th scope="col">Plausible range</th>
              <th scope="col" class="n">
                Devices
              </th>
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {sortVerdicts(view.guardrails).map((verdict) => (
              <tr key={verdict.guardrail} class={verdict.guardrail === chosen ? 'chosen' : ''}>
                <th scope="row">
                  <button
                    type="button"
                    class="link"
                    aria-pressed={verdict.guardrail === chosen}
                    onClick={() => set({ guardrail: verdict.guardrail })}
                  >
                    {titleOf(verdict)}
                  </button>
                </th>
                <td>{verdict.limitText}</td>
                <td class="n">{valueText(verdict, verdict.estimate)}</td>
                <td class="bar-cell">
                  <ForestBar verdict={verdict} />
                </td>
                <td>{rangeText(verdict, verdict.low, verdict.high)}</td>
                <td class="n">{verdict.n}</td>
                <td>
                  <Chip sign={signOfVerdict(verdict.verdict)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
