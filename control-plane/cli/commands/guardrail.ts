// `belay guardrail test`: the guardrails of a rollout file on windows that were recorded.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type GuardrailTest, guardrailTestSchema } from '../../../shared/protocol/api-foresight.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { whileWaiting } from '../patience.ts';
import { addAction, argument } from '../program.ts';
import { renderGuardrailTest } from '../render/guardrail-test.ts';
import { readMoment } from './moment.ts';
import { readText } from './rollout-source.ts';

const HELP = `
With --candidate R the windows in which devices ran R are judged, against devices that
did not. Without, the baseline is judged against itself, stretch by stretch, each as
long as the first serving stage bakes: whatever breaks is a false alarm.

Exit 0: nothing would have stopped it. 8: it would have been rolled back. 9: it would
have been held. 1: nothing could be judged, or a false alarm.
`;

type Options = { readonly from?: string; readonly to?: string; readonly candidate?: string };

export function addGuardrailCommands(program: Command): void {
  const guardrail = program.command('guardrail').description('guardrails: what they would have said');
  const command = guardrail
    .command('test')
    .argument('<file>', 'a rollout file')
    .description('how often and when each guardrail of the file would have been broken, on recorded windows')
    .option('--from <time>', 'such as 2026-03-01T06:00Z, or 24h (ago); default: 24h')
    .option('--to <time>', 'the end; default: now')
    .option('--candidate <release>', 'judge the windows of this release')
    .addHelpText('after', HELP);
  addAction<Options>(command, async ({ api, output }, args, { from, to, candidate }) => {
    const body = {
      file: await readText(argument(args, 0)),
      ...(from === undefined ? {} : { fromMs: readMoment('--from', from) }),
      ...(to === undefined ? {} : { toMs: readMoment('--to', to) }),
      ...(candidate === undefined ? {} : { candidate }),
    };
    const asked = api.ask(endpoint('POST /v1/guardrails/test'), guardrailTestSchema, body, TEST_TIMEOUT_MS);
    const test = await whileWaiting(output, 'judging recorded windows …', asked);
    output.show(test, () => renderGuardrailTest(test, output));
    return exitCodeOf(test);
  });
}

/** The control plane gives up after 120 s of computing, and says so. */
const TEST_TIMEOUT_MS = 180_000;

function exitCodeOf({ guardrails, trials, against }: GuardrailTest): ExitCode {
  if (trials.length === 0 || guardrails.every((each) => each.trials === 0)) return EXIT.failed;
  const does = (action: string) => guardrails.some(({ episodes }) => episodes.some((each) => each.action === action));
  const isBroken = guardrails.some(({ enforce, broken }) => enforce !== 'observe' && broken > 0);
  if (against === 'baseline') return isBroken ? EXIT.failed : EXIT.ok;
  if (does('rollback')) return EXIT.rolledBack;
  return does('hold') ? EXIT.held : EXIT.ok;
}
