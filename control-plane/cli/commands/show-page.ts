// The address of one thing on the dashboard, from the words of a command line.
import { CommandError } from '../api-client.ts';
import { resolveConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { openOutput } from '../output.ts';
import { pageOf, type Thing } from '../page.ts';
import { reportFailure } from '../program.ts';
import { readDeviceReference } from './device-path.ts';

export type PageWish = {
  readonly kind: string;
  readonly id: string | undefined;
  readonly url?: string;
  readonly context?: string;
  readonly json?: boolean;
};

export async function showPage({ kind, id, json = false, ...wanted }: PageWish): Promise<ExitCode> {
  try {
    const { url } = await resolveConnection(wanted);
    const page = pageOf(url, thingOf(kind, id));
    openOutput({ json, ascii: false }).show({ url: page }, () => page);
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error, json);
  }
}

function thingOf(kind: string, id: string | undefined): Thing {
  if (kind === 'fleet' || kind === 'kill') return { kind };
  if (id === undefined) throw new CommandError(EXIT.usage, `which ${kind}? Give its id: belay dashboard ${kind} ID`);
  if (kind === 'device') return { kind, ...readDeviceReference(id) };
  if (kind === 'rollout' || kind === 'incident' || kind === 'release') return { kind, id };
  throw new CommandError(EXIT.usage, `"${kind}" has no page: fleet, rollout, device, release, incident, kill`);
}
