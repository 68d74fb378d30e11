// `belay device pin|unpin|drain|undrain|retire|unretire`: take a device out of rollouts by a person's word, and bring it back. What
// leads away from a candidate is not held up by a question that nobody can answer.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type DeviceDocument, deviceSchema } from '../../../shared/protocol/api-devices.ts';
import { DUTY_VERBS, type DutyVerb, dutyAnswerSchema } from '../../../shared/protocol/api-duty.ts';
import { tellDuty } from '../../../shared/protocol/duty.ts';
import { type Asking, addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { addAction, argument, type Session } from '../program.ts';
import { readDeviceReference } from './device-path.ts';

type Words = { readonly says: string; readonly asking: Asking; readonly help?: string };

const WORDS: Readonly<Record<DutyVerb, Words>> = {
  pin: {
    says: 'keep this release there: rollouts leave the device out, a kill still wins',
    asking: 'always',
    help: `
Examples
  belay device pin plant-a/cam-1 cv-detector:1.8.2 --reason "reference camera"
  belay device unpin plant-a/cam-1 --reason "measured"
The release must be proven: what the device has committed or ran before, or a
stable one. A candidate gets there by a rollout.`,
  },
  unpin: { says: 'end a pin: it goes on with the release it has', asking: 'on-terminal' },
  drain: {
    says: 'out of its cohorts for maintenance: the baseline answers, nothing is judged',
    asking: 'on-terminal',
    help: '\nIt keeps answering with its baseline, and rollouts go on without it until\nbelay device undrain.',
  },
  undrain: { says: 'back into service: rollouts may take it again', asking: 'always' },
  retire: {
    says: 'no longer expected to report: its password ends, its history stays',
    asking: 'always',
    help: '\nA device that still reports is refused: stop its agent first. One that was stolen\nis cut off with --force.',
  },
  unretire: { says: 'expected again; its agent needs new credentials', asking: 'always' },
};

export function addDutyCommands(device: Command): void {
  for (const verb of DUTY_VERBS) addVerb(device, verb);
}

type Options = ChangeOptions & { readonly reason: string; readonly force?: boolean };

function addVerb(device: Command, verb: DutyVerb): void {
  const { says, help } = WORDS[verb];
  const command = device.command(verb).description(says).argument('<site/device>');
  if (verb === 'pin') command.argument('<reference>', 'the release: its id or digest, or the beginning of it');
  if (verb === 'retire') command.option('--force', 'also while it reports, as for one that was stolen');
  if (help !== undefined) command.addHelpText('after', help);
  addAction<Options>(
    addChangeOptions(command, 'why, for the audit and for whoever finds it'),
    (session, args, options) => act(session, verb, { args, options }),
  );
}

type Given = { readonly args: readonly string[]; readonly options: Options };

async function act({ api, output, actor }: Session, verb: DutyVerb, { args, options }: Given): Promise<undefined> {
  const name = argument(args, 0);
  const where = readDeviceReference(name);
  const { reason, force } = options;
  const release = verb === 'pin' ? { release: argument(args, 1) } : {};
  const body = { reason, actor, ...release, ...(force ? { force } : {}) };
  const change = {
    what: verb === 'pin' ? `pin ${name} to ${argument(args, 1)}` : `${verb} ${name}`,
    reach: async () => tellReach(await api.ask(endpoint('GET /v1/devices/:site/:device', where), deviceSchema)),
    request: { ...endpoint('POST /v1/devices/:site/:device/:verb', { ...where, verb }), body },
    asking: WORDS[verb].asking,
  };
  if (!(await isWanted(output, options, change))) return undefined;
  const answer = await api.ask(change.request, dutyAnswerSchema, body);
  output.show(answer, () =>
    [
      answer.sentence,
      ...answer.rollouts.map((id) => `rollout ${id} ${LEAVES.has(verb) ? 'goes on without it' : 'may take it again'}`),
      ...NEXT[verb](name),
    ].join('\n'),
  );
  return undefined;
}

const LEAVES: ReadonlySet<DutyVerb> = new Set(['pin', 'drain', 'retire']);

const none = (): readonly string[] => [];
const NEXT: Readonly<Record<DutyVerb, (name: string) => readonly string[]>> = {
  pin: none,
  unpin: none,
  undrain: none,
  retire: none,
  drain: (name) => [`Next: when it is done, belay device undrain ${name} --reason "…"`],
  unretire: (name) => [`Next: belay device credentials ${name} --write FOLDER`],
};

function tellReach({ online, reported, desired, duty }: DeviceDocument): readonly string[] {
  const serving = reported?.serving?.release ?? 'nothing that it has told of';
  return [
    `it is ${online ? 'online' : 'offline'} and answers with ${serving}`,
    ...(desired?.candidate
      ? [`rollout ${desired.candidate.rolloutId} has ${desired.candidate.release} on it (${desired.candidate.role})`]
      : []),
    ...tellDuty(duty).map((said) => `it is ${said}`),
  ];
}
