// `belay device logs`: what a device told of itself as it happened, and with -f what it tells from now on.
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { deviceEventsSchema, type StoredEvent } from '../../../shared/protocol/api-devices.ts';
import type { DeviceAddress } from '../../../shared/protocol/topics.ts';
import { CommandError } from '../api-client.ts';
import { openDoorbell } from '../event-stream.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, argument, type Session } from '../program.ts';
import { readDeviceReference } from './device-path.ts';

const POLL_MS = 1000;
/** Beside a stream, which may be slower to say that something came. */
const LOOK_MS = 5000;

const HELP = `
Events are kept by the control plane and never lost on the way: starts, switches, reverts, faults, kills obeyed.

Examples
  belay device logs plant-a/cam-1 --limit 20
  belay device logs plant-a/cam-1 -f --json | tee cam-1.ndjson`;

type Options = { follow?: boolean; limit: string };

export function addLogs(device: Command): void {
  const command = device
    .command('logs')
    .argument('<site/device>')
    .description('its events, oldest first')
    .option('-f, --follow', 'stay, and tell each event as it comes')
    .option('--limit <number>', 'how many of the newest, 500 at most', '50')
    .addHelpText('after', HELP);
  addAction<Options>(command, async (session, args, { follow, limit }) => {
    const where = readDeviceReference(argument(args, 0));
    if (!/^[1-9]\d{0,2}$/.test(limit))
      throw new CommandError(EXIT.usage, `--limit ${limit}: give a number from 1 to 500`);
    const { events } = await session.api.ask(
      endpoint('GET /v1/devices/:site/:device/events', { ...where, limit }),
      deviceEventsSchema,
    );
    const sorted = [...events].sort((a, b) => a.id - b.id);
    if (!follow && session.output.json) session.output.show({ events: sorted }, () => '');
    else if (!follow && sorted.length === 0) session.output.show({ events: [] }, () => 'No events yet.');
    else for (const event of sorted) tell(event, session.output);
    if (follow) await followEvents(session, where, sorted.at(-1)?.id ?? 0);
    return undefined;
  });
}

async function followEvents({ api, output }: Session, where: DeviceAddress, from: number): Promise<void> {
  const doorbell = openDoorbell(api, ['device']);
  let afterId = from;
  let isDown = false;
  try {
    for (;;) {
      await doorbell.next(LOOK_MS, POLL_MS);
      try {
        const { events } = await api.ask(
          endpoint('GET /v1/devices/:site/:device/events', { ...where, limit: 500, afterId }),
          deviceEventsSchema,
        );
        for (const event of [...events].sort((a, b) => a.id - b.id)) {
          tell(event, output);
          afterId = Math.max(afterId, event.id);
        }
        isDown = false;
      } catch (error) {
        if (!(error instanceof CommandError && error.exitCode === EXIT.unreachable)) throw error;
        if (!isDown) output.note('the control plane does not answer; trying again');
        isDown = true;
        await wait(POLL_MS);
      }
    }
  } finally {
    doorbell.close();
  }
}

function tell(stored: StoredEvent, output: Output): void {
  const { kind, atMs, reason, release } = stored.event;
  const at = new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
  output.show(stored, () =>
    [output.tint('dim', `${at}Z`), output.tint('bold', kind), release ?? '', reason]
      .filter((word) => word !== '')
      .join('  '),
  );
}
