// The webhooks section of the settings: who is told what, how it goes, a ping, the log, sending again. Mounted without props.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { Webhook, WebhookCreated, WebhookVerb } from '../../../shared/protocol/api-webhooks.ts';
import { ApiProblem, ask } from '../api.ts';
import { useResource } from '../live/resource.ts';
import { Action, Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import '../styles/webhooks.css';
import { longEvent, outcomeText, readList, shortEvent, stateText, wantedText } from './webhook-text.ts';

export function WebhooksSection() {
  const { value, problem, refresh } = useResource(endpoint('GET /v1/webhooks'));
  const [opened, setOpened] = useState<string | null>(null);
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  return (
    <section class="webhooks" aria-label="Webhooks">
      <AddForm onAdded={refresh} />
      {value.webhooks.length === 0 ? (
        <Empty title="Nobody is told" command="belay webhook add https://example.com/hook">
          <p>
            A webhook gets a signed CloudEvent when a rollout moves, a kill is raised, or a device goes back by itself.
          </p>
        </Empty>
      ) : null}
      {value.webhooks.map((webhook) => (
        <article key={webhook.id}>
          <h3>{webhook.url}</h3>
          <p>
            <code>{webhook.id}</code> {webhook.description} <span class="soft">{wantedText(webhook)}</span>
          </p>
          <p class={stateText(webhook).startsWith('ok') ? 'good' : 'bad'}>
            {stateText(webhook)}; last delivered{' '}
            <Age atMs={webhook.lastDeliveredAtMs} staleMs={Number.POSITIVE_INFINITY} />
          </p>
          <Verbs webhook={webhook} onDone={refresh} />
          <button
            type="button"
            aria-expanded={opened === webhook.id}
            onClick={() => setOpened(opened === webhook.id ? null : webhook.id)}
          >
            Log
          </button>
          {opened === webhook.id ? <Log id={webhook.id} /> : null}
        </article>
      ))}
    </section>
  );
}

function Verbs({ webhook, onDone }: { readonly webhook: Webhook; readonly onDone: () => void }) {
  const { id, url, disabledAtMs } = webhook;
  const [pinged, setPinged] = useState<string | null>(null);
  const ping = (): void => {
    setPinged('sending …');
    ask(endpoint('POST /v1/webhooks/:id/test', { id })).then(
      (sent) => {
        setPinged(outcomeText(sent));
        onDone();
      },
      (error: unknown) => setPinged(String(error instanceof Error ? error.message : error)),
    );
  };
  const run = (verb: WebhookVerb) => (reason: string) =>
    ask(endpoint('POST /v1/webhooks/:id/:verb', { id, verb }), { reason }).then(onDone);
  const toggle = disabledAtMs === null ? 'disable' : 'enable';
  return (
    <span>
      <button type="button" onClick={ping}>
        Test
      </button>
      <Action
        word={toggle === 'disable' ? 'Disable' : 'Enable'}
        says={toggle === 'disable' ? `Tell ${url} nothing for now` : `Tell ${url} again what happens`}
        command={`belay webhook ${toggle} ${id} --reason REASON`}
        disabledBecause={null}
        run={run(toggle)}
      />
      <Action
        word="Remove"
        says={`Tell ${url} nothing any more; what waits for it is dropped`}
        command={`belay webhook remove ${id} --reason REASON`}
        disabledBecause={null}
        tone="bad"
        run={run('remove')}
      />
      {pinged === null ? null : <output>{pinged}</output>}
    </span>
  );
}

function Log({ id }: { readonly id: string }) {
  const { value, problem, refresh } = useResource(endpoint('GET /v1/webhooks/:id/deliveries', { id, limit: 30 }));
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  if (value.deliveries.length === 0) return <p>Nothing was sent yet.</p>;
  const again = (delivery: number) =>
    ask(endpoint('POST /v1/webhooks/:id/deliveries/:delivery/redeliver', { id, delivery })).then(refresh, refresh);
  return (
    <table>
      <thead>
        <tr>
          <th>#</th>
          <th>Event</th>
          <th>About</th>
          <th>When</th>
          <th>Outcome</th>
          <th>Answer</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {value.deliveries.map((delivery) => (
          <tr key={delivery.id}>
            <td>{delivery.id}</td>
            <td>{shortEvent(delivery.type)}</td>
            <td>{delivery.subject}</td>
            <td>
              <Age atMs={delivery.createdAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </td>
            <td class={delivery.state === 'delivered' ? 'good' : 'bad'}>{outcomeText(delivery)}</td>
            <td class="answer">{delivery.log[0]?.answer ?? ''}</td>
            <td>
              <button
                type="button"
                onClick={() => again(delivery.id)}
                aria-label={`Send delivery ${delivery.id} again`}
              >
                Send again
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function AddForm({ onAdded }: { readonly onAdded: () => void }) {
  const [form, setForm] = useState({ url: '', events: '', sites: '', description: '' });
  const [added, setAdded] = useState<WebhookCreated | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const events = readList(form.events);
    const wanted = { events: events === '*' ? events : events.map(longEvent), sites: readList(form.sites) };
    try {
      const { url, description } = form;
      setAdded(await ask(endpoint('POST /v1/webhooks'), { url, description, ...wanted }));
      setProblem(null);
      setForm({ url: '', events: '', sites: '', description: '' });
      onAdded();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) }));
    }
  };
  const field = (name: keyof typeof form, label: string, hint: string) => (
    <label>
      {label}
      <input
        name={name}
        value={form[name]}
        required={name === 'url'}
        placeholder={hint}
        onInput={(event) => setForm({ ...form, [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form onSubmit={submit}>
      {field('url', 'Tell this address', 'https://example.com/hook')}
      {field('events', 'Only these events', 'all; or rollout.held, kill.raised')}
      {field('sites', 'Only these sites', 'all; or plant-a, plant-b')}
      {field('description', 'What it is for', 'the on-call chat')}
      <button type="submit">Add webhook</button>
      {problem === null ? null : <Trouble problem={problem} />}
      {added === null ? null : (
        <output>
          <p>
            {added.url} is told of {wantedText(added)}. Its secret, shown this once:
          </p>
          <code>{added.secret}</code>
          <Cli command={`belay webhook test ${added.id}`} />
        </output>
      )}
    </form>
  );
}
