// The door of the sinks: where answers go. Publishing never waits and never throws; a sink in trouble drops and counts.
import type { Writable } from 'node:stream';
import type { RoomLog } from '../frames/child-log.ts';
import type { AnswerRecord } from './answer-record.ts';
import { type AnswerLink, openMqttSink } from './mqtt-sink.ts';
import type { Sink } from './sink.ts';
import { openStdoutSink } from './stdout-sink.ts';

export type SinkConfig = { readonly kind: 'stdout' } | { readonly kind: 'mqtt' };

export type SinkParts = { readonly stdout: Writable; readonly link: AnswerLink; readonly log: Pick<RoomLog, 'warn'> };

export type Sinks = {
  readonly publish: (record: AnswerRecord) => void;
  /** Records lost since the start, by kind of sink. */
  readonly dropped: () => Readonly<Record<string, number>>;
  /** Logs what was lost since the last call, if anything was. */
  readonly tellDropped: () => void;
  readonly close: () => void;
};

export function openSinks(configs: readonly SinkConfig[], parts: SinkParts): Sinks {
  const sinks = configs.map(({ kind }) => ({ kind, sink: openSink(kind, parts) }));
  const dropped = () => Object.fromEntries(sinks.map(({ kind, sink }) => [kind, sink.dropped()]));
  let told: Readonly<Record<string, number>> = {};
  return {
    publish: (record) => {
      if (sinks.length === 0) return;
      const line = JSON.stringify(record);
      for (const { sink } of sinks) sink.publish(line);
    },
    dropped,
    tellDropped: () => {
      const now = dropped();
      const fresh = Object.entries(now).map(([kind, count]) => [kind, count - (told[kind] ?? 0)] as const);
      const lost = fresh.filter(([, count]) => count > 0);
      told = now;
      if (lost.length > 0) parts.log.warn({ lost: Object.fromEntries(lost) }, 'answers were lost: nobody took them');
    },
    close: () => {
      for (const { sink } of sinks) sink.close();
    },
  };
}

function openSink(kind: SinkConfig['kind'], { stdout, link, log }: SinkParts): Sink {
  switch (kind) {
    case 'stdout':
      return openStdoutSink(stdout, (reason) => log.warn({ reason }, 'nobody reads the answers on standard output'));
    case 'mqtt':
      return openMqttSink(link);
  }
}
