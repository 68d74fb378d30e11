// Five projects: `unit` (pure and room tests), `process` (rooms that start processes), `simulation` (fleets in virtual time), `system` (a whole fleet, one file at a time), `browser` (the dashboard in Chromium).
import { defineConfig } from 'vitest/config';

const native = { viteModuleRunner: false, nodeLoader: false } as const;
const MIRRORS = 'test/{agent,control-plane,shared,scripts,contract}';
/** Files at a time. Vitest leaves one core free for itself, which on two cores would be every file after the other. */
const WORKERS = '100%';

/** Tests run the command line as people do: built. */
const BUILT_CLI = 'test/built-cli.ts';

/** How long a condition is waited for: vitest's own second is too short beside other test files. */
const POLL = { poll: { timeout: 20_000 } } as const;

/** A net for what hangs, longer than all conditions of a test together: those say what did not come about, this could not. */
const limits = (ms: number) => ({ testTimeout: ms, hookTimeout: ms });

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [`${MIRRORS}/**/*.test.ts`],
          exclude: ['**/*.process.test.ts'],
          experimental: native,
          pool: 'forks',
          isolate: false,
          maxWorkers: WORKERS,
          expect: POLL,
          ...limits(120_000),
        },
      },
      {
        test: {
          name: 'process',
          globalSetup: BUILT_CLI,
          include: [`${MIRRORS}/**/*.process.test.ts`],
          experimental: native,
          pool: 'forks',
          maxWorkers: WORKERS,
          expect: POLL,
          ...limits(180_000),
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          experimental: native,
          pool: 'forks',
          maxWorkers: WORKERS,
          expect: POLL,
          testTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'system',
          globalSetup: BUILT_CLI,
          include: ['test/system/**/*.test.ts'],
          experimental: native,
          pool: 'forks',
          fileParallelism: false,
          expect: POLL,
          ...limits(300_000),
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          experimental: native,
          pool: 'forks',
          fileParallelism: false,
          expect: POLL,
          ...limits(180_000),
        },
      },
    ],
  },
});
