// How the dashboard is built: one page, no network at run time, into dist/ beside it.
import { defineConfig } from 'vite';

const REST = /dashboard\/pages\/(audit|incident|model|settings|webhook)/;

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Which file loads which: for whoever weighs the pages.
    manifest: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The pages that nobody opens in a hurry share one file: together they weigh a quarter less than apart.
    rolldownOptions: {
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'rest', test: REST }] } },
    },
  },
});
