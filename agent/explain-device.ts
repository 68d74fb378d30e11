// `explain` for whoever stands before the box: what the slots hold and what the agent last said. Reads only; works
// beside a running agent and without a network.
import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../shared/basics/errors.ts';
import { oneLine } from '../shared/basics/one-line.ts';
import { parseJson } from '../shared/basics/parsing.ts';
import { type Reported, reportedSchema } from '../shared/protocol/reports.ts';
import { FREE_BYTES_MIN } from './artifacts/artifacts.ts';
import type { AgentConfig } from './config.ts';
import type { DurableState } from './core/state.ts';
import { describeHardware, describeSensors } from './sensors/describe-sensors.ts';
import { openSensors } from './sensors/sensors.ts';
import { readSlots } from './state/slots.ts';

export function explainDevice(config: AgentConfig): string {
  const lines = [
    `${config.site}/${config.device} (${config.hardwareClass})`,
    ...stateLines(config),
    ...reportLines(config),
    ...diskLines(config),
    ...machineLines(config),
  ];
  // Reasons hold text of strangers: one line each, nothing that a terminal would obey.
  return lines.map((line) => `${oneLine(line)}\n`).join('');
}

function stateLines(config: AgentConfig): readonly string[] {
  try {
    const { durable, found } = readSlots(config.dataDir);
    if (durable === null) return [`state       none (slots ${found}): the next start serves the factory release`];
    return describeDurable(durable, found);
  } catch (error) {
    return [`state       cannot be read in ${config.dataDir}: ${describeError(error)}`];
  }
}

function describeDurable(durable: DurableState, found: string): readonly string[] {
  const { committed, previous, factory, desired } = durable;
  return [
    `state       slots ${found}, boot ${durable.bootCount}`,
    `committed   ${committed.release}  ${committed.digest.slice(0, 12)}`,
    `previous    ${previous ? `${previous.release}  ${previous.digest.slice(0, 12)}` : 'none'}`,
    `factory     ${factory.release}  ${factory.digest.slice(0, 12)}`,
    `desired     ${desired ? `generation ${desired.generation}` : 'no document yet'}`,
    ...durable.kills.flatMap((kills) =>
      kills.entries.map((entry) => `killed      ${kills.topic}, epoch ${kills.epoch}, ${entry.id}: ${entry.reason}`),
    ),
    ...durable.quarantine.map((entry) => `quarantine  ${entry.release}, ${entry.kind}: ${entry.reason}`),
    ...durable.attempts.map(
      ({ digest, starts, strikes }) => `attempts    ${digest.slice(0, 12)}: ${starts} starts, ${strikes} strikes`,
    ),
  ];
}

/** Looked at now: an agent that cannot write cannot write its report either. */
function diskLines({ dataDir }: AgentConfig): readonly string[] {
  try {
    accessSync(dataDir, constants.W_OK);
    const { bavail, bsize } = statfsSync(dataDir);
    const freeBytes = bavail * bsize;
    const isFull = freeBytes < FREE_BYTES_MIN;
    const free = `disk        ${Math.floor(freeBytes / 2 ** 20)} MB free under ${dataDir}: nothing is downloaded there`;
    return [...(isFull ? [free] : []), ...spoolLines(join(dataDir, 'spool.db.broken'))];
  } catch (error) {
    // Whoever may not read there is told so by the line of the state.
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return [];
    return [`disk        ${dataDir} cannot be written (${describeError(error)}): the report above may be old`];
  }
}

function spoolLines(broken: string): readonly string[] {
  const found = statSync(broken, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return [`spool       a broken one was set aside as spool.db.broken; last written ${found.mtime.toISOString()}`];
}

/** Read now, not reported: what throttles this machine at this moment. */
function machineLines({ sysRoot, procRoot }: AgentConfig): readonly string[] {
  const sensors = openSensors({ sysRoot, procRoot });
  return [`machine     ${describeHardware(sensors.hardware)}`, `sensors     ${describeSensors(sensors.readWhole())}`];
}

function reportLines(config: AgentConfig): readonly string[] {
  const path = join(config.dataDir, 'reported.json');
  try {
    const parsed = parseJson(reportedSchema, readFileSync(path));
    if (!parsed.ok) return ['reported    cannot be read'];
    return describeReport(parsed.value, statSync(path).mtime);
  } catch {
    // No report yet is the ordinary state of a device that has never run.
    return ['reported    nothing yet'];
  }
}

/** Documents and messages since the last boot. */
function refusedLine(refused: Reported['refused']): readonly string[] {
  const counts = Object.entries(refused).map(([kind, count]) => `${count} × ${kind}`);
  return counts.length === 0 ? [] : [`refused     ${counts.join(', ')}`];
}

function describeReport(report: Reported, at: Date): readonly string[] {
  const serving = report.serving ? `${report.serving.release}, ${report.servedFrames} frames` : 'nobody';
  return [
    `reported    ${at.toISOString()}, phase ${report.phase}`,
    `serving     ${serving}`,
    `because     ${report.servingBecause}`,
    ...(report.provider ? [`provider    asked ${report.provider.asked}, used ${report.provider.used}`] : []),
    ...(report.memoryLimit
      ? [
          `memory      runners ${report.memoryLimit.enforced ? 'limited to' : 'not limited:'} ${report.memoryLimit.reason}`,
        ]
      : []),
    ...(report.mode === 'warm' ? [] : [`mode        ${report.mode}: ${report.modeBecause}${wayBack(report)}`]),
    `candidate   ${report.candidate ? `${report.candidate.release}, ${report.candidate.role}: ${report.candidate.state}` : 'none'}`,
    ...report.proofs.map(describeProof),
    ...report.sinks.map(describeSink),
    ...(report.lease ? [`lease       ${report.lease.state}${leaseEnd(report)}`] : []),
    ...report.blocked.map((blocked) => `blocked     ${blocked.kind}: ${blocked.reason}`),
    ...refusedLine(report.refused),
  ];
}

function wayBack({ swapMs }: Reported): string {
  return swapMs === null ? '' : `; going back takes ${seconds(swapMs)}`;
}

function describeProof({ release, passed, reason, coldStartMs }: Reported['proofs'][number]): string {
  return `proof       ${release} ${passed ? 'passed' : 'failed'}, first answer ${seconds(coldStartMs)} after its start: ${reason}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function describeSink({ sink, sent, dropped, trouble }: Reported['sinks'][number]): string {
  const lost = Object.entries(dropped).map(([reason, count]) => `${count} lost (${reason})`);
  return `sink        ${[`${sink}: ${sent} answers`, ...lost].join(', ')}${trouble === null ? '' : `; ${trouble}`}`;
}

function leaseEnd({ lease, atMs }: Reported): string {
  return lease?.state === 'running' ? `, until ${new Date(atMs + lease.leftMs).toISOString()} unless renewed` : '';
}
