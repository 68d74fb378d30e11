// A guardrail over time: drawn on a canvas, said in a sentence, and as a table for those who cannot see it.
import { useEffect, useRef } from 'preact/hooks';
import type { CourseLine, RolloutCourse } from '../../../shared/protocol/api-rollout-charts.ts';
import { chartOf, rowsOf, summaryOf } from './course-data.ts';
import { openPlot, type Plot } from './plot.ts';

type Words = {
  readonly title: string;
  readonly show: (value: number) => string;
  readonly range: (low: number | null, high: number | null) => string;
  readonly time: (atMs: number) => string;
};

export function CourseChart({
  course,
  line,
  words,
}: {
  readonly course: RolloutCourse;
  readonly line: CourseLine;
  readonly words: Words;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const readout = useRef<HTMLOutputElement>(null);
  const latest = useRef({ course, line, words });
  latest.current = { course, line, words };
  const chart = chartOf(course, line);
  useEffect(() => {
    if (place.current === null || chart === null) return;
    const data = { ...chart, marks: course.marks };
    if (plot.current !== null) return plot.current.set(data);
    plot.current = openPlot(place.current, data, {
      sync: 'rollout',
      heightPx: 132,
      show: words.show,
      onMoment: (index) => {
        if (readout.current) readout.current.textContent = momentOf(latest.current, index);
      },
    });
  }, [course]);
  useEffect(() => () => plot.current?.close(), []);
  if (chart === null) return <p class="no-chart">No evidence yet, so no line.</p>;
  const rows = rowsOf(course, line);
  return (
    <figure class="course">
      <div ref={place} class="plot" aria-hidden="true" />
      <output ref={readout} class="readout" aria-hidden="true" />
      <figcaption class="unseen">{summaryOf(words.title, chart, words.show)}</figcaption>
      <div class="unseen">
        <table>
          <caption>{words.title}, newest moments</caption>
          <thead>
            <tr>
              <th>time</th>
              <th>verdict</th>
              <th>estimate</th>
              <th>plausible range</th>
              <th>devices</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.atMs}>
                <td>{words.time(row.atMs)}</td>
                <td>{row.verdict}</td>
                <td>{row.estimate === null ? 'none' : words.show(row.estimate)}</td>
                <td>{words.range(row.low, row.high)}</td>
                <td>{row.n ?? 0}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

type Drawn = { readonly course: RolloutCourse; readonly line: CourseLine; readonly words: Words };

function momentOf({ course, line, words }: Drawn, index: number | null): string {
  const atMs = index === null ? undefined : course.atMs[index];
  if (index === null || atMs === undefined) return '';
  const estimate = line.estimate[index] ?? null;
  const value = estimate === null ? 'no evidence' : words.show(estimate);
  const range = estimate === null ? '' : ` (${words.range(line.low[index] ?? null, line.high[index] ?? null)})`;
  return `${words.time(atMs)}  ${value}${range}, n ${line.n[index] ?? 0}`;
}
