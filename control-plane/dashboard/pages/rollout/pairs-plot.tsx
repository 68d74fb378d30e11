// One guardrail device by device: what the statistics rest on, and the one device that is not like the others.
import type { ApiProblem } from '../../api.ts';
import { PairsPlot } from '../../charts/pairs.tsx';
import { Trouble } from '../../shell/kit.tsx';
import { pairsSummary } from './evidence-words.ts';
import type { Parts } from './parts.ts';
import { axisText } from './verdict-words.ts';
import { momentText } from './words.ts';

type Props = Parts & { readonly chosen: string | null; readonly problem: ApiProblem | null };

export function Pairs({ evidence, chosen, problem }: Props) {
  if (problem !== null) return <Trouble problem={problem} />;
  if (evidence === null || evidence.seen === null || chosen === null) return null;
  const one = evidence.guardrails.find(({ guardrail }) => guardrail === chosen);
  return (
    <section aria-labelledby="pairs">
      <h2 id="pairs">Device by device{one === undefined ? '' : `: ${one.title}`}</h2>
      {one?.points == null || one.points.length === 0 ? (
        <p class="soft">
          This guardrail is not judged by single devices (labelled frames, events), or has no evidence yet.
        </p>
      ) : (
        <>
          <p>{pairsSummary(one)}</p>
          <p class="soft">
            Judged {momentText(evidence.seen.atMs)} in stage {evidence.seen.stage}
            {evidence.seen.seq === null ? '' : `, as decision ${evidence.seen.seq} kept it`}. Coloured shapes:
            candidates by site and hardware. Grey dots: controls. Dashed: the limit
            {one.shows === 'change' ? ', beside the mean of the controls' : ''}.
          </p>
          <div class="scroll">
            <PairsPlot evidence={one} words={{ show: (value) => axisText(one, value) }} />
          </div>
        </>
      )}
    </section>
  );
}
