// How slow the frames of candidate and baseline are, by themselves: curves over one another, and the same as a table.
import { QuantilesPlot } from '../../charts/quantiles-plot.tsx';
import { Age } from '../../shell/kit.tsx';
import { armWord, devicesText, latencyText, spanText } from './arm-words.ts';
import type { Parts } from './parts.ts';
import { shortRelease } from './words.ts';

export function Latency({ arms }: Pick<Parts, 'arms'>) {
  if (arms === null || arms.stage === null || arms.arms.every(({ latency }) => latency === null)) return null;
  const newestMs = Math.max(...arms.arms.map(({ toMs }) => toMs));
  return (
    <section aria-labelledby="latency">
      <h2 id="latency">
        Latency of both releases{' '}
        <small class="soft">
          stage {arms.stage.name}, newest frame <Age atMs={newestMs} />
        </small>
      </h2>
      <p class="soft">
        To the right slower and rarer frames: at p99 one frame in a hundred takes longer. Plain values of all frames
        together; a verdict compares each device with its own past.
      </p>
      <div class="scroll">
        <QuantilesPlot arms={arms} />
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {['Release', 'Runs', 'p50', 'p95', 'p99', 'Frames', 'Devices', 'Windows from'].map((title, at) => (
                <th key={title} scope="col" class={at > 1 && at < 7 ? 'n' : ''}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {arms.arms.map((one) => (
              <tr key={one.arm}>
                <th scope="row">
                  <span class={`curve-key ${one.arm}`} aria-hidden="true" /> {armWord(one.arm, arms)}
                </th>
                <td>{one.release === null ? 'several releases' : shortRelease(one.release)}</td>
                <td class="n">{latencyText(one.latency?.p50)}</td>
                <td class="n">{latencyText(one.latency?.p95)}</td>
                <td class="n">{latencyText(one.latency?.p99)}</td>
                <td class="n">{one.frames.toLocaleString('en')}</td>
                <td class="n">{devicesText(one)}</td>
                <td>{spanText(one)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
