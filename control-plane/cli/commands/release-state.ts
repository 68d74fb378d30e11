// `belay release archive`, `withdraw`, `restore`: whether rollouts may start with a release. Devices that run it go on.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type Release, releaseSchema } from '../../../shared/protocol/api-releases.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { addAction, argument } from '../program.ts';

type Turn = {
  readonly verb: 'archive' | 'withdraw' | 'restore';
  readonly state: 'archived' | 'withdrawn' | 'registered';
  readonly description: string;
};

const TURNS: readonly Turn[] = [
  {
    verb: 'archive',
    state: 'archived',
    description: 'no rollout may start with it any more; it stays where it runs',
  },
  { verb: 'withdraw', state: 'withdrawn', description: 'it is bad: no rollout may start with it any more' },
  { verb: 'restore', state: 'registered', description: 'rollouts may start with it again' },
];

export function addReleaseStates(release: Command): void {
  for (const turn of TURNS) addTurn(release, turn);
}

function addTurn(release: Command, { verb, state, description }: Turn): void {
  const command = release.command(verb).argument('<reference>').description(description);
  type Options = ChangeOptions & { readonly reason: string };
  addAction<Options>(addChangeOptions(command, 'why, for the audit'), async (session, args, options) => {
    const { api, output, actor } = session;
    const found = await api.ask(endpoint('POST /v1/releases/lookup'), releaseSchema, { reference: argument(args, 0) });
    const body = { state, actor, reason: options.reason };
    const request = { ...endpoint('POST /v1/releases/:digest/state', { digest: found.digest }), body };
    if (!(await isWanted(output, options, { what: `${verb} ${found.id}`, request, asking: 'on-terminal' })))
      return undefined;
    const turned = await api.ask(request, releaseSchema, body);
    output.show(turned, () => tell(turned));
    return undefined;
  });
}

function tell({ id, state }: Release): string {
  const next = state === 'withdrawn' ? `\nNext, where it runs: belay kill --release "${id}" --reason "…"` : '';
  return `${id}  ${state}${next}`;
}
