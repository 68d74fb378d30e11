// `belay rollout plan`: who would get the candidate when, what stands in the way, and what can be told ahead.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { rolloutPlanSchema } from '../../../shared/protocol/api-rollouts.ts';
import { formatFileProblem } from '../../../shared/rollout/read-rollout-file.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { whileWaiting } from '../patience.ts';
import { addAction, argument } from '../program.ts';
import { renderOutlook } from '../render/outlook.ts';
import { renderPlan } from '../render/plan.ts';
import { addPresetOptions, PRESETS_HELP, type PresetOptions, readSource, SOURCE } from './rollout-source.ts';

const HELP = `
The plan starts nothing. It shows every device of every stage; how alike candidates
and controls are (a standardised difference above 0.25 is marked); the smallest
regression that each stage finds in 9 of 10 rollouts, from the devices' own recorded
windows ("≈": none are recorded, 6 % device noise is assumed); what each guardrail
would have said with the baseline as its own candidate; conflicts; and the expected
finish.

Exit 0: it could start. 1: something stands in the way. 2: the file has mistakes.
`;

type Options = PresetOptions & { readonly reseed?: boolean };

export function addPlan(rollout: Command): void {
  const command = rollout
    .command('plan')
    .argument('<file>', SOURCE)
    .description('who would get the candidate when, what it could see, and what stands in the way')
    .option(
      '--reseed',
      'look for another cohort.salt, whose candidates are more like their controls; before a start only',
    )
    .addHelpText('after', HELP + PRESETS_HELP);
  addAction<Options>(addPresetOptions(command), async ({ api, output }, args, { reseed, ...options }) => {
    const { title, text } = await readSource(argument(args, 0), options);
    const body = { file: text, ...(reseed ? { reseed } : {}) };
    const asked = api.ask(endpoint('POST /v1/rollouts/plan'), rolloutPlanSchema, body, PLAN_TIMEOUT_MS);
    const answer = await whileWaiting(output, 'looking at recorded windows …', asked);
    const { plan, outlook, outlookMissing } = answer;
    if (plan === null) throw mistakesIn(title, answer.problems);
    output.show(answer, () =>
      [
        renderPlan(plan, output),
        ...(outlook === null ? [] : [renderOutlook(outlook, { reseeded: reseed === true, tint: output.tint })]),
        ...(outlookMissing === null ? [] : [output.tint('warn', `note: ${outlookMissing}`)]),
      ].join('\n\n'),
    );
    return plan.refusals.length + plan.needsOverride.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** The control plane gives up after 50 s of computing, and says so. */
const PLAN_TIMEOUT_MS = 75_000;

function mistakesIn(title: string, problems: readonly Parameters<typeof formatFileProblem>[1][]): CommandError {
  const lines = problems.map((problem) => formatFileProblem(title, problem));
  const count = lines.length === 1 ? 'a mistake' : `${lines.length} mistakes`;
  return new CommandError(EXIT.usage, `${title} has ${count}:\n${lines.join('\n')}`, problems);
}
