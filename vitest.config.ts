// Two projects: `unit` (pure and room tests, in parallel) and `system` (real processes, one file at a time).
import { defineConfig } from 'vitest/config';

const native = { viteModuleRunner: false, nodeLoader: false } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{agent,control-plane,shared,scripts,contract}/**/*.test.ts'],
          experimental: native,
          pool: 'forks',
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          experimental: native,
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
