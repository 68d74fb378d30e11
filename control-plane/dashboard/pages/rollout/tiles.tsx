// A tile for each guardrail: the difference now, how it went, what both arms do, and why it is judged so.
import type { GuardrailEvidence } from '../../../../shared/protocol/api-rollout-charts.ts';
import type { Verdict } from '../../../../shared/rollout/verdict.ts';
import { CourseChart } from '../../charts/course-chart.tsx';
import { Age, Empty } from '../../shell/kit.tsx';
import { type ArmLine, armLines } from './arm-words.ts';
import { changesText } from './evidence-words.ts';
import type { Parts } from './parts.ts';
import { Chip } from './signs.tsx';
import { axisText, enforceText, gapsOf, sortVerdicts, titleOf, whyLines } from './verdict-words.ts';
import { rangeText, signOfVerdict, timeText, valueText } from './words.ts';

export function Tiles(parts: Parts) {
  const { view, course } = parts;
  const judgedAtMs = course?.atMs.at(-1) ?? null;
  return (
    <section aria-labelledby="guardrails">
      <h2 id="guardrails">
        Guardrails{' '}
        {judgedAtMs === null ? null : (
          <small class="soft">
            judged <Age atMs={judgedAtMs} />
          </small>
        )}
      </h2>
      {view.guardrails.length === 0 ? (
        <Empty title="Nothing is judged yet">
          <p>
            Guardrails are judged once the first devices of this stage run the candidate and have sent their windows.
          </p>
        </Empty>
      ) : null}
      <div class="tiles">
        {sortVerdicts(view.guardrails).map((verdict) => (
          <Tile key={verdict.guardrail} verdict={verdict} parts={parts} />
        ))}
      </div>
    </section>
  );
}

function Tile({
  verdict,
  parts: { course, evidence, arms: both },
}: {
  readonly verdict: Verdict;
  readonly parts: Parts;
}) {
  const line = course?.guardrails.find(({ guardrail }) => guardrail === verdict.guardrail);
  const arms = evidence?.guardrails.find(({ guardrail }) => guardrail === verdict.guardrail);
  const sign = signOfVerdict(verdict.verdict);
  const title = titleOf(verdict);
  return (
    <section class={`tile ${sign.tone}`} aria-label={title}>
      <header>
        <h3>{title}</h3>
        <Chip sign={sign} />
      </header>
      <p class="now">
        <strong>{valueText(verdict, verdict.estimate)}</strong>{' '}
        <span>{rangeText(verdict, verdict.low, verdict.high)}</span>
      </p>
      <p class="soft">
        limit {verdict.limitText}, {enforceText(verdict)}
      </p>
      {course === null || line === undefined ? null : (
        <CourseChart
          course={course}
          line={line}
          words={{
            title,
            show: (value) => axisText(verdict, value),
            range: (low, high) => rangeText(verdict, low, high),
            time: timeText,
          }}
        />
      )}
      <Arms verdict={verdict} evidence={arms} lines={armLines(both, verdict.guardrail)} />
      <Details verdict={verdict} />
    </section>
  );
}

type ArmsProps = {
  readonly verdict: Verdict;
  readonly evidence: GuardrailEvidence | undefined;
  readonly lines: readonly ArmLine[];
};

/** The newest values of both arms by themselves, then what each changed by. */
function Arms({ verdict, evidence, lines }: ArmsProps) {
  const changes = lines.length > 0 && evidence?.shows === 'value' ? '' : changesText(verdict, evidence);
  return (
    <ul class="arms">
      {lines.map(({ word, value, n }) => (
        <li key={word}>
          {word} <strong>{value}</strong> <small class="soft">{n}</small>
        </li>
      ))}
      {changes === '' ? null : <li class="soft">{changes}</li>}
    </ul>
  );
}

function Details({ verdict }: { readonly verdict: Verdict }) {
  const gaps = gapsOf(verdict);
  return (
    <details>
      <summary>Why</summary>
      <p>{verdict.sentence}</p>
      <dl class="rule">
        {whyLines(verdict).map(([term, text]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {gaps.length === 0 ? (
        <p class="soft">No gaps: every minimum is met, and no window was left out.</p>
      ) : (
        <>
          <h4>Gaps in the data</h4>
          <ul>
            {gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </>
      )}
    </details>
  );
}
