// `belay webhook …`: who is told what happens, a ping, the log of what was sent, and sending it again.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  type Delivery,
  deliveryListSchema,
  deliverySchema,
  WEBHOOK_EVENTS,
  WEBHOOK_VERBS,
  type Webhook,
  type WebhookEvent,
  type WebhookVerb,
  webhookCreatedSchema,
  webhookListSchema,
  webhookSchema,
} from '../../../shared/protocol/api-webhooks.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, argument } from '../program.ts';
import { formatAge, formatMs, renderTable } from '../render/table.ts';

const SHORT = { prefix: 'dev.belay.', suffix: '.v1' } as const;

export function addWebhookCommands(program: Command): void {
  const webhook = program
    .command('webhook')
    .description('webhooks: signed CloudEvents about rollouts, kills, incidents and devices, to an address of yours');
  addAdd(webhook);
  addList(webhook);
  addTest(webhook);
  addLog(webhook);
  addRedeliver(webhook);
  for (const verb of WEBHOOK_VERBS) addVerb(webhook, verb);
}

const REASON = 'why, for the audit';

type AddOptions = ChangeOptions & { events?: string; sites?: string; description?: string };

function addAdd(webhook: Command): void {
  const command = webhook
    .command('add')
    .argument('<url>', 'http or https; the secret that signs what is sent is shown once')
    .description('tell this address what happens')
    .option('--events <list>', 'only these, such as rollout.held,kill.raised (default: all; belay webhook add --help)')
    .option('--sites <list>', 'only what concerns these sites (default: all)')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', `\nEvents:\n${WEBHOOK_EVENTS.map((type) => `  ${shorten(type)}`).join('\n')}`);
  addAction<AddOptions>(addChangeOptions(command, REASON, false), async ({ api, output, actor }, args, options) => {
    const { events, sites, description, reason } = options;
    const wanted = {
      ...(events === undefined ? {} : { events: split(events).map(lengthen) }),
      ...(sites === undefined ? {} : { sites: split(sites) }),
    };
    const body = { url: argument(args, 0), actor, ...wanted, description, reason };
    const request = { ...endpoint('POST /v1/webhooks'), body };
    if (!(await isWanted(output, options, { what: `tell ${body.url} what happens`, request, asking: 'never' })))
      return undefined;
    const added = await api.ask(request, webhookCreatedSchema, body);
    output.show(added, () =>
      [
        `${added.id} is told of ${tellWanted(added)}`,
        `secret  ${added.secret}`,
        'Keep the secret now: it is not shown again.',
        `Next: belay webhook test ${added.id}`,
      ].join('\n'),
    );
    return undefined;
  });
}

function addList(webhook: Command): void {
  addAction(webhook.command('list').description('every webhook, and how it goes'), async ({ api, output }) => {
    const list = await api.ask(endpoint('GET /v1/webhooks'), webhookListSchema);
    output.show(list, () => {
      if (list.webhooks.length === 0) return 'No webhooks. Next: belay webhook add URL';
      const rows = list.webhooks.map((item) => [
        item.id,
        item.disabledAtMs === null ? 'enabled' : 'disabled',
        formatAge(item.lastDeliveredAtMs, Date.now()),
        String(item.waiting),
        String(item.dead),
        item.url,
        item.disabledBecause ?? item.trouble ?? '',
      ]);
      const titles = ['WEBHOOK', 'STATE', 'DELIVERED', 'WAITING', 'DEAD', 'URL', 'TROUBLE'];
      return renderTable(
        titles.map((title) => ({ title })),
        rows,
      );
    });
    return undefined;
  });
}

function addTest(webhook: Command): void {
  const command = webhook
    .command('test')
    .argument('<webhook>')
    .description('send a ping once, and say what came of it');
  addAction<ChangeOptions>(addChangeOptions(command, null), async ({ api, output }, args, options) => {
    const request = endpoint('POST /v1/webhooks/:id/test', { id: argument(args, 0) });
    const what = `send a ping to ${argument(args, 0)}`;
    if (!(await isWanted(output, options, { what, request, asking: 'never' }))) return undefined;
    const sent = await api.ask(request, deliverySchema);
    output.show(sent, () => renderDelivery(sent, output));
    return sent.state === 'delivered' ? undefined : EXIT.failed;
  });
}

function addLog(webhook: Command): void {
  const command = webhook
    .command('log')
    .argument('<webhook>')
    .description('what was sent, and what came of every attempt')
    .option('--limit <count>', 'of the newest', '20');
  addAction<{ limit: string }>(command, async ({ api, output }, args, { limit }) => {
    const list = await api.ask(
      endpoint('GET /v1/webhooks/:id/deliveries', { id: argument(args, 0), limit }),
      deliveryListSchema,
    );
    output.show(list, () => {
      if (list.deliveries.length === 0) return 'Nothing was sent yet.';
      return list.deliveries.map((each) => renderDelivery(each, output)).join('\n');
    });
    return undefined;
  });
}

function addRedeliver(webhook: Command): void {
  const command = webhook
    .command('redeliver')
    .argument('<webhook>')
    .argument('<delivery>', 'its number, as belay webhook log shows it')
    .description('send the same event with the same id once more');
  addAction<ChangeOptions>(addChangeOptions(command, null), async ({ api, output }, args, options) => {
    const values = { id: argument(args, 0), delivery: argument(args, 1) };
    const request = endpoint('POST /v1/webhooks/:id/deliveries/:delivery/redeliver', values);
    const what = `send delivery ${argument(args, 1)} of ${argument(args, 0)} once more`;
    if (!(await isWanted(output, options, { what, request, asking: 'never' }))) return undefined;
    const sent = await api.ask(request, deliverySchema);
    output.show(
      sent,
      () => `delivery ${sent.id} is sent again; belay webhook log ${argument(args, 0)} shows how it went`,
    );
    return undefined;
  });
}

const VERB_WORDS: Readonly<Record<WebhookVerb, string>> = {
  enable: 'tell it again what happens',
  disable: 'tell it nothing for now',
  remove: 'tell it nothing any more; what waits for it is dropped',
};

function addVerb(webhook: Command, verb: WebhookVerb): void {
  const command = webhook.command(verb).argument('<webhook>').description(VERB_WORDS[verb]);
  addAction<ChangeOptions>(addChangeOptions(command, REASON, false), async ({ api, output, actor }, args, options) => {
    const { reason } = options;
    const body = { actor, ...(reason === undefined ? {} : { reason }) };
    const request = { ...endpoint('POST /v1/webhooks/:id/:verb', { id: argument(args, 0), verb }), body };
    const what = `${verb} webhook ${argument(args, 0)}`;
    const asking = verb === 'enable' ? 'never' : 'on-terminal';
    if (!(await isWanted(output, options, { what, request, asking }))) return undefined;
    const changed = await api.ask(request, webhookSchema, body);
    output.show(changed, () => `${changed.id} (${changed.url}): ${verb}d`);
    return undefined;
  });
}

function split(list: string): string[] {
  return list.split(',').map((item) => item.trim());
}

/** `rollout.held` or the whole name. */
function lengthen(name: string): WebhookEvent {
  const found = WEBHOOK_EVENTS.find((type) => type === name || shorten(type) === name);
  if (found === undefined)
    throw new CommandError(EXIT.usage, `--events: "${name}" is none of ${WEBHOOK_EVENTS.map(shorten).join(', ')}`);
  return found;
}

function shorten(type: string): string {
  return type.replace(SHORT.prefix, '').replace(SHORT.suffix, '');
}

function tellWanted({ events, sites }: Pick<Webhook, 'events' | 'sites'>): string {
  const what = events === '*' ? 'everything' : events.map(shorten).join(', ');
  return `${what}${sites === '*' ? '' : ` at ${sites.join(', ')}`}`;
}

function renderDelivery({ id, type, subject, state, createdAtMs, log }: Delivery, output: Output): string {
  const tone = state === 'delivered' ? 'good' : state === 'dead' ? 'bad' : 'warn';
  const attempts = log.map(({ number, atMs, tookMs, status, error, answer }) => {
    const said = answer === '' ? '' : `: ${answer.slice(0, 120)}`;
    const when = new Date(atMs).toISOString().slice(11, 19);
    return `      attempt ${number}  ${when}  ${formatMs(tookMs)}  ${error ?? `answered ${status}`}${said}`;
  });
  const head = `${id}  ${output.tint(tone, state)}  ${shorten(type)}  ${subject}  ${formatAge(createdAtMs, Date.now())}`;
  return [head, ...attempts].join('\n');
}
