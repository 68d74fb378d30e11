// `belay rollout rehearse --aa`: a rollout whose candidate is the baseline, many times; how often it would be stopped for nothing.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { REHEARSAL_RUNS_MAX, type Rehearsal, rehearsalSchema } from '../../../shared/protocol/api-foresight.ts';
import { CommandError } from '../api-client.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { addAction, argument, type Session } from '../program.ts';
import { renderRehearsal } from '../render/rehearsal.ts';
import { addPresetOptions, type PresetOptions, readSource, SOURCE } from './rollout-source.ts';

const HELP = `
Every run draws cohorts and moments anew (from --seed) and lets the production judge
look at the devices' own recorded windows, the baseline's told as the candidate's.
Where no windows are recorded, a simulated fleet stands in, and the answer says so.

Exit 0: no guardrail is wrong more often than the file allows (analysis.falseRollback).
1: one is, or nothing could be judged.
`;

type Options = PresetOptions & { readonly aa?: boolean; readonly runs: string; readonly seed: string };

export function addRehearse(rollout: Command): void {
  const command = rollout
    .command('rehearse')
    .argument('<file>', SOURCE)
    .description('false alarms and the smallest regression that is found, with the baseline as its own candidate')
    .option('--aa', 'candidate = baseline (the only rehearsal there is)')
    .option('--runs <number>', 'how many times', '60')
    .option('--seed <number>', 'the same seed draws the same runs', '1')
    .addHelpText('after', HELP);
  addAction<Options>(addPresetOptions(command), async (session, args, { aa, runs, seed, ...options }) => {
    if (!aa) throw new CommandError(EXIT.usage, 'say what to rehearse: --aa (the candidate is the baseline)');
    const { text } = await readSource(argument(args, 0), options);
    const body = { file: text, runs: whole('--runs', runs, REHEARSAL_RUNS_MAX), seed: whole('--seed', seed, 2 ** 31) };
    const begun = await session.api.ask(endpoint('POST /v1/rehearsals'), rehearsalSchema, body);
    const rehearsal = await follow(session, begun);
    const { result, reason, state } = rehearsal;
    if (result === null)
      throw new CommandError(EXIT.failed, `the rehearsal ${state}: ${reason ?? 'no reason is known'}`);
    session.output.show(result, () => renderRehearsal(result, session.output));
    return exitCodeOf(result);
  });
}

function whole(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new CommandError(EXIT.usage, `${option} ${text}: give a whole number from 1 to ${most}`);
}

const POLL_MS = 500;
/** A line of progress no more often than this; on a terminal it is one line. */
const TOLD_MS = 5000;

/** Until it is over; Ctrl-C stops it at the control plane too. */
async function follow({ api, output }: Session, begun: Rehearsal): Promise<Rehearsal> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop);
  let toldAtMs = 0;
  try {
    for (
      let now = begun;
      ;
      now = await api.ask(endpoint('GET /v1/rehearsals/:id', { id: begun.id }), rehearsalSchema)
    ) {
      if (now.state !== 'running') return now;
      if (stopping.signal.aborted)
        return await api.ask(endpoint('POST /v1/rehearsals/:id/stop', { id: begun.id }), rehearsalSchema);
      if (Date.now() - toldAtMs >= TOLD_MS && !output.json) {
        output.note(`rehearsing: ${now.done} of ${now.runs} runs`);
        toldAtMs = Date.now();
      }
      await pause(POLL_MS, stopping.signal);
    }
  } finally {
    process.removeListener('SIGINT', stop);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Wrong more often than is allowed beyond what so few runs may show by chance. */
function exitCodeOf({ guardrails, allowedPct }: NonNullable<Rehearsal['result']>): ExitCode {
  const judged = guardrails.filter(({ runs }) => runs > 0);
  const isNoisy = judged.some(({ lowPct }) => lowPct !== null && lowPct > allowedPct);
  return judged.length === 0 || isNoisy ? EXIT.failed : EXIT.ok;
}
