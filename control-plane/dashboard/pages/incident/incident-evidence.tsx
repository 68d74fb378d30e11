// The tables of an incident: verdicts, telemetry and devices as they were.
import type { Incident, TelemetryRow } from '../../../../shared/protocol/api-incidents.ts';
import type { Verdict } from '../../../../shared/rollout/verdict.ts';
import { Scroll } from '../parts/parts.tsx';
import { numberText, timeText } from '../parts/words.ts';
import { ARM_WORDS, evidenceText, touchedDevices, VERDICT_TONES, VERDICT_WORDS } from './incident-words.ts';

export function IncidentVerdicts({ verdicts }: { readonly verdicts: readonly Verdict[] }) {
  if (verdicts.length === 0) return <p>No guardrail had been judged.</p>;
  return (
    <Scroll label="Verdicts" long>
      <thead>
        <tr>
          <th scope="col">Guardrail</th>
          <th scope="col">Verdict</th>
          <th scope="col">Limit</th>
          <th scope="col">Found</th>
          <th scope="col" class="number">
            Devices / controls
          </th>
          <th scope="col">In words</th>
        </tr>
      </thead>
      <tbody>
        {verdicts.map((verdict) => (
          <tr key={verdict.guardrail}>
            <th scope="row">{verdict.title}</th>
            <td class="nowrap">
              <span class={VERDICT_TONES[verdict.verdict]}>{VERDICT_WORDS[verdict.verdict]}</span>
            </td>
            <td class="nowrap">{verdict.limitText}</td>
            <td>{evidenceText(verdict)}</td>
            <td class="number">
              {verdict.n} / {verdict.controls}
            </td>
            <td>{verdict.sentence}</td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

/** `rows` null: not taken yet. */
export function IncidentTelemetry({ rows }: { readonly rows: readonly TelemetryRow[] | null }) {
  if (rows === null) return <p>Not taken yet; it is with the next look of the control plane.</p>;
  if (rows.length === 0) return <p>No device has sent a window.</p>;
  return (
    <Scroll label="Telemetry by site, hardware and release" long>
      <thead>
        <tr>
          <th scope="col">Site</th>
          <th scope="col">Hardware</th>
          <th scope="col">Release</th>
          {['Devices', 'Frames', 'p50 ms', 'p95 ms', 'p99 ms', 'FPS', 'Errors', 'Left out'].map((title) => (
            <th key={title} scope="col" class="number">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.site} ${row.hardwareClass} ${row.arm}`}>
            <td>{row.site}</td>
            <td>{row.hardwareClass}</td>
            <td class="nowrap">{ARM_WORDS[row.arm]}</td>
            {[row.devices, row.frames, row.p50Ms, row.p95Ms, row.p99Ms, tenths(row.fps), row.errors, row.excluded].map(
              (figure, at) => (
                <td key={at} class="number">
                  {numberText(figure)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

function tenths(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}

export function IncidentDevices({ incident }: { readonly incident: Incident }) {
  const { touched, restCount } = touchedDevices(incident);
  const rest = restCount === 0 ? null : <p>{restCount} more stayed on their own release.</p>;
  if (touched.length === 0) return rest ?? <p>No device had the candidate.</p>;
  return (
    <>
      <Scroll label="Devices that had the candidate" long>
        <thead>
          <tr>
            <th scope="col">Device</th>
            <th scope="col">Hardware</th>
            <th scope="col">Stage</th>
            <th scope="col">Had it since</th>
            <th scope="col">What became of it</th>
          </tr>
        </thead>
        <tbody>
          {touched.map((device) => (
            <tr key={`${device.site}/${device.device}`}>
              <th scope="row">
                <a href={`/devices/${device.site}/${device.device}`}>
                  {device.site}/{device.device}
                </a>
              </th>
              <td>{device.hardwareClass}</td>
              <td>{device.stage ?? '–'}</td>
              <td class="nowrap">{timeText(device.activatedAtMs)}</td>
              <td>{device.outcome}</td>
            </tr>
          ))}
        </tbody>
      </Scroll>
      {rest}
    </>
  );
}
