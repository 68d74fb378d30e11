// What of uPlot the dashboard never calls and a bundler cannot see: parts that the library hangs on its own function. Build time only.

/** Stepped lines, bars and splines; joins of tables; formats of dates. What uPlot itself needs of them stays. */
const UNUSED: readonly RegExp[] = [
  /^\t\(paths\.(?:stepped|bars|spline) *= \w+\);$/gm,
  /^\tuPlot\.(?:join|fmtDate|tzDate|addGap|clipGaps) *= \w+;$/gm,
];

/** A plugin of Vite. Fails the build when the library is written in another way than this knows. */
export const leanUplot = {
  name: 'lean-uplot',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!/\/node_modules\/uplot\/dist\/uPlot\.esm\.js$/.test(id)) return null;
    const found = UNUSED.reduce((sum, part) => sum + (code.match(part)?.length ?? 0), 0);
    if (found !== 8) throw new Error(`uPlot has ${found} of the 8 parts that this build leaves out: see lean-uplot.ts`);
    return { code: UNUSED.reduce((rest, part) => rest.replaceAll(part, ''), code), map: null };
  },
};
