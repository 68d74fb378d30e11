// A process that writes answers to its standard output as fast as it can, and says over IPC how it fares: what it has
// published, what became of it, and for how long its event loop stood still at most.
import { openSinks, sinkSchema } from '../../../agent/sinks/sinks.ts';
import { SILENT } from '../telemetry/spool-builder.ts';
import { buildRecord } from './record-builder.ts';

export type Report = {
  readonly published: number;
  readonly sent: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly trouble: string | null;
  readonly longestPauseMs: number;
};

const monotonicNow = () => performance.now();
const link = { isUp: () => false, publish: () => Promise.resolve() };
const sinks = openSinks([sinkSchema.parse({ kind: 'stdout' })], { link, monotonicNow, log: SILENT });
const record = buildRecord();
let published = 0;
let longestPauseMs = 0;
let lastAtMs = performance.now();
const timer = setInterval(() => {
  const nowMs = performance.now();
  longestPauseMs = Math.max(longestPauseMs, nowMs - lastAtMs);
  for (let i = 0; i < 100; i += 1) sinks.publish(record, null);
  published += 100;
  const [report] = sinks.report();
  process.send?.({ published, longestPauseMs, ...report });
  lastAtMs = performance.now();
}, 5);
process.on('message', () => {
  clearInterval(timer);
  void sinks.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(0));
