// Reads a Server-Sent Events answer as a browser does: events with their ids, in order, for as long as it is open.
export type ReadEvent = { readonly id: string | null; readonly event: string; readonly data: Record<string, unknown> };

export type EventReader = {
  readonly response: Response;
  readonly events: ReadEvent[];
  /** Whether the server has ended it. */
  readonly hasEnded: () => boolean;
  close(): Promise<void>;
};

export async function readEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
  const events: ReadEvent[] = [];
  let hasEnded = false;
  const reading = follow(response, events).finally(() => {
    hasEnded = true;
  });
  return {
    response,
    events,
    hasEnded: () => hasEnded,
    close: async () => {
      abort.abort();
      await reading.catch(() => undefined);
    },
  };
}

async function follow(response: Response, events: ReadEvent[]): Promise<void> {
  if (response.body === null) return;
  let rest = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
      );
      const data = fields.get('data');
      if (data !== undefined)
        events.push({ id: fields.get('id') ?? null, event: fields.get('event') ?? 'message', data: JSON.parse(data) });
    }
  }
}
