// The process of request-client.ts: orders come in by IPC, one at a time, and results go out. Not for import.
import { Agent, get } from 'node:http';
import type { AskOrder, AskResult } from './request-client.ts';

type Answer = { readonly status: number; readonly bytes: number };

function ask(url: URL, headers: AskOrder['headers'], agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }));
      response.on('error', reject);
    }).on('error', reject);
  });
}

async function follow({ url, headers, connections, askMs, isFresh }: AskOrder): Promise<AskResult> {
  const address = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const startedAtMs = performance.now();
  let asked = 0;
  let answered = 0;
  let bytes = 0;
  let problem: string | null = null;
  const one = async (): Promise<void> => {
    while (problem === null && performance.now() - startedAtMs < askMs) {
      if (isFresh) address.searchParams.set('asked', String(asked));
      asked += 1;
      const answer = await ask(address, headers, agent);
      if (answer.status !== 200) problem = `${url} answered ${answer.status}`;
      answered += 1;
      bytes = answer.bytes;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const perSecond = answered / ((performance.now() - startedAtMs) / 1000);
  agent.destroy();
  return { perSecond, bytes, problem };
}

process.on('message', (order: AskOrder) => {
  follow(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ perSecond: 0, bytes: 0, problem: String(error) } satisfies AskResult),
  );
});
process.on('disconnect', () => process.exit());
