// The door of the sinks: where answers go. Publishing never waits and never throws; a sink in trouble drops and counts.
import { detectionsOf } from '../../shared/release/answers.ts';
import type { RoomLog } from '../frames/child-log.ts';
import type { AnswerRecord } from './answer-record.ts';
import { openHttpSink } from './http-sink.ts';
import { type Compat, withLegacyLabels } from './legacy-labels.ts';
import { type AnswerLink, openMqttSink } from './mqtt-sink.ts';
import type { Sink, SinkCounts } from './sink.ts';
import type { SinkConfig } from './sink-config.ts';
import { openSocketSink } from './socket-sink.ts';
import { type OpenLines, openStdoutSink, standardOutput } from './stdout-sink.ts';

export { placeSink, type SinkConfig, sinkSchema } from './sink-config.ts';

export type SinkParts = {
  readonly link: AnswerLink;
  readonly log: Pick<RoomLog, 'info' | 'warn'>;
  readonly monotonicNow: () => number;
  /** Standard output if left out. */
  readonly openStdout?: OpenLines;
};

/** One sink as the report shows it; `sink` is its kind, numbered from the second of a kind on. */
export type SinkReport = SinkCounts & { readonly sink: string };

export type Sinks = {
  /** `compat`: of the release that has answered. */
  readonly publish: (record: AnswerRecord, compat: Compat | null) => void;
  readonly report: () => readonly SinkReport[];
  /** Logs what was lost since it was last said, once a minute at most. */
  readonly tellDropped: () => void;
  /** Resolves within a second. */
  readonly close: () => Promise<void>;
};

/** Often enough for who looks for a fault, seldom enough for a disk that keeps logs for years. */
const TELL_EVERY_MS = 60_000;

export function openSinks(configs: readonly SinkConfig[], parts: SinkParts): Sinks {
  const sinks = configs.map((config, at) => ({ name: nameOf(configs, at), config, sink: openSink(config, parts) }));
  const report = () => sinks.map(({ name, sink }) => ({ sink: name, ...sink.counts() }));
  return {
    publish: (record, compat) => {
      const lines = new Lines(record, compat);
      for (const { config, sink } of sinks) if (isWanted(record, config)) sink.publish(lines.as(config.labels));
    },
    report,
    tellDropped: openTeller(report, parts),
    close: async () => {
      await Promise.all(sinks.map(({ sink }) => sink.close()));
    },
  };
}

/** The texts of one record, made when somebody wants them. */
class Lines {
  readonly #record: AnswerRecord;
  readonly #compat: Compat | null;
  #native: string | null = null;
  #legacy: string | null = null;

  constructor(record: AnswerRecord, compat: Compat | null) {
    this.#record = record;
    this.#compat = compat;
  }

  as(labels: SinkConfig['labels']): string {
    const answer = labels === 'legacy' ? withLegacyLabels(this.#record.answer, this.#compat) : this.#record.answer;
    if (answer === this.#record.answer) {
      this.#native ??= JSON.stringify(this.#record);
      return this.#native;
    }
    this.#legacy ??= JSON.stringify({ ...this.#record, answer });
    return this.#legacy;
  }
}

function isWanted({ answer }: AnswerRecord, { only }: SinkConfig): boolean {
  if (only === 'all' || answer.task === 'classification' || answer.task === 'ocr') return true;
  return detectionsOf(answer).length > 0;
}

function nameOf(configs: readonly SinkConfig[], at: number): string {
  const kind = configs[at]?.kind ?? '';
  const before = configs.slice(0, at).filter((other) => other.kind === kind).length;
  return before === 0 ? kind : `${kind}-${before + 1}`;
}

function openTeller(report: () => readonly SinkReport[], { log, monotonicNow }: SinkParts): () => void {
  let told = new Map<string, number>();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (monotonicNow() - toldAtMs < TELL_EVERY_MS) return;
    const now = report().map((one) => ({ ...one, lost: sum(one.dropped) - (told.get(one.sink) ?? 0) }));
    const inTrouble = now.filter(({ lost }) => lost > 0);
    if (inTrouble.length === 0) return;
    toldAtMs = monotonicNow();
    told = new Map(now.map(({ sink, dropped }) => [sink, sum(dropped)]));
    const lost = Object.fromEntries(inTrouble.map((one) => [one.sink, one.lost]));
    const trouble = inTrouble.flatMap((one) => (one.trouble === null ? [] : [`${one.sink}: ${one.trouble}`]));
    log.warn({ lost, trouble }, 'answers were lost: nobody took them');
  };
}

function sum(counts: SinkCounts['dropped']): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function openSink(config: SinkConfig, { openStdout = standardOutput, link, log }: SinkParts): Sink {
  switch (config.kind) {
    case 'stdout':
      return openStdoutSink(openStdout);
    case 'mqtt':
      return openMqttSink(link);
    case 'http':
      return openHttpSink(config, { log });
    case 'socket':
      return openSocketSink(config.path, { log });
  }
}
