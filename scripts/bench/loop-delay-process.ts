// Watches how late the event loop of a process comes round. Loaded before the agent with `--import`, so that the product
// needs nothing for it; started by itself, it is an idle process: what the machine alone costs. SIGUSR2 writes what was
// seen since the last one. Used by loop-delay.ts; not for import.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/** The timer that watches fires this often; what it is late by is the delay. */
const RESOLUTION_MS = 2;
const NS_PER_MS = 1e6;

const { BELAY_BENCH_DELAY_FILE: file, BELAY_BENCH_DELAY_ENTRY: entry = '' } = process.env;
const isIdle = process.argv[1] === fileURLToPath(import.meta.url);

function watch(to: string): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let writes = 0;
  const lateMs = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  process.on('SIGUSR2', () => {
    writes += 1;
    const [p50, p99] = [lateMs(histogram.percentile(50)), lateMs(histogram.percentile(99))];
    writeFileSync(`${to}.part`, JSON.stringify({ writes, p50, p99, max: lateMs(histogram.max) }));
    renameSync(`${to}.part`, to);
    histogram.reset();
  });
  writeFileSync(to, JSON.stringify({ writes, p50: 0, p99: 0, max: 0 }));
}

// Children inherit the environment: only the process that is meant watches itself.
if (file !== undefined && (isIdle || process.argv[1]?.endsWith(entry))) watch(file);
if (isIdle) process.stdin.on('end', () => process.exit(0)).resume();
