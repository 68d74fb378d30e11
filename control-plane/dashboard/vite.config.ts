// How the dashboard is built: one page, no network at run time, into dist/ beside it.
import { defineConfig } from 'vite';
import { leanUplot } from './lean-uplot.ts';

const REST = /dashboard\/pages\/(audit|incident|model|settings|webhook)/;
/** Every page has them. */
const BASE =
  /dashboard\/(api|pages\.ts|shell|live\/(?!stream-worker))|node_modules\/(preact|@preact)|preload-helper|protocol\/(permissions|versioned|address|exchange)/;

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [leanUplot],
  // The same whoever builds it: tests run in an environment of their own.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
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
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'rest', test: REST },
            { name: 'base', test: BASE },
          ],
        },
      },
    },
  },
});
