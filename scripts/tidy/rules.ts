// The house rules that a type checker and a linter cannot know. Each rule: source files in, findings out.
import type { SourceFile } from './source-files.ts';

export type Finding = { readonly file: string; readonly message: string };
export type Rule = (files: readonly SourceFile[]) => readonly Finding[];

const FILE_LINES_MAX = 300;
const TEST_LINES_MAX = 600;
const BANNED_NAMES =
  /(^|[/-])(index|utils?|helpers?|common|misc|manager|service|handler|target|campaign|deployment|job)s?(-|\.)/;
const LEFTOVERS = /\b(?:it|test|describe)\.(?:only|skip|todo)\b|@ts-(?:ignore|nocheck)|\b(?:TODO|FIXME)\b|\bdebugger\b/;
const IMPURE =
  /\bDate\b|\bprocess\.|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bfetch\(|Math\.random|\bperformance\b/;

/** Library → the only places that may import it. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-node': ['agent/inference/', 'scripts/', 'test/'],
  sharp: ['agent/frames/', 'scripts/', 'test/'],
  mqtt: ['agent/link/', 'control-plane/home-assistant/', 'scripts/bench/', 'test/'],
  aedes: ['control-plane/messaging/', 'scripts/bench/', 'test/'],

  'better-sqlite3': ['agent/telemetry/', 'agent/state/', 'control-plane/database/', 'test/'],
  kysely: ['control-plane/', 'test/'],
  fastify: ['control-plane/http/', 'scripts/bench/', 'test/'],
  jose: ['shared/signing/', 'control-plane/signing/', 'test/'],
  yaml: ['shared/', 'agent/config', 'control-plane/config', 'test/'],
  commander: ['control-plane/cli/'],
  'log-update': ['control-plane/cli/'],
  '@clack/prompts': ['control-plane/cli/'],
  '@bomb.sh/tab': ['control-plane/cli/'],
  pino: ['agent/', 'control-plane/', 'scripts/bench/', 'test/'],
  preact: ['control-plane/dashboard/'],
  'preact-iso': ['control-plane/dashboard/'],
  '@preact/signals': ['control-plane/dashboard/'],
  uplot: ['control-plane/dashboard/charts/'],
  vite: ['control-plane/dashboard/vite.config.ts', 'scripts/'],
  standardwebhooks: ['control-plane/notifications/', 'test/'],
  '@opentelemetry/api': ['control-plane/metrics/'],
  '@opentelemetry/sdk-metrics': ['control-plane/metrics/'],
  '@opentelemetry/exporter-prometheus': ['control-plane/metrics/'],
  'playwright-core': ['test/browser/', 'scripts/'],
};

export const allRules: Readonly<Record<string, Rule>> = {
  'file-length': (files) =>
    files.flatMap((file) => {
      const max = file.path.startsWith('test/') ? TEST_LINES_MAX : FILE_LINES_MAX;
      return file.lines > max
        ? [{ file: file.path, message: `${file.lines} lines, at most ${max}: split it by concept` }]
        : [];
    }),
  header: (files) =>
    files.flatMap((file) =>
      /^(?:#!.*\n)?(?:\/\/|\/\*)/.test(file.text)
        ? []
        : [{ file: file.path, message: 'begins without a sentence on what it is for' }],
    ),
  'file-name': (files) =>
    files.flatMap((file) => {
      const name = file.path.slice(file.path.lastIndexOf('/') + 1);
      if (BANNED_NAMES.test(name))
        return [{ file: file.path, message: 'is named after nothing in particular: name what it holds' }];
      return /^[a-z0-9.-]+$/.test(name) ? [] : [{ file: file.path, message: 'file names are kebab-case' }];
    }),
  leftovers: (files) =>
    files.flatMap((file) =>
      file.path.startsWith('scripts/tidy/') || file.path.startsWith('test/scripts/tidy/')
        ? []
        : file.text
            .split('\n')
            .flatMap((line, i) =>
              LEFTOVERS.test(line)
                ? [{ file: `${file.path}:${i + 1}`, message: `left over: ${line.trim().slice(0, 80)}` }]
                : [],
            ),
    ),
  'pure-core': (files) => files.filter((file) => isCore(file.path)).flatMap(impurities),
  'one-home': (files) =>
    files.flatMap((file) =>
      file.imports.flatMap(({ specifier }) => {
        const homes = HOMES[specifier];
        if (!homes || homes.some((home) => file.path.startsWith(home))) return [];
        return [{ file: file.path, message: `imports ${specifier}, whose home is ${homes.join(' or ')}` }];
      }),
    ),
  direction: (files) =>
    files.flatMap((file) =>
      file.imports.flatMap((target) => (target.file === null ? [] : directionFinding(file.path, target.file))),
    ),
  cycles: findCycles,
  unreachable: findUnreachable,
};

function isCore(path: string): boolean {
  return path.startsWith('agent/core/') || path.startsWith('control-plane/core/');
}

function impurities(file: SourceFile): Finding[] {
  const code = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').replace(/'[^'\n]*'|`[^`]*`/g, "''");
  const found = IMPURE.exec(code);
  const imports = file.imports.filter(({ specifier }) => specifier.startsWith('node:'));
  return [
    ...(found ? [{ file: file.path, message: `core names ${found[0]}: pass time and chance in` }] : []),
    ...imports.map(({ specifier }) => ({
      file: file.path,
      message: `core imports ${specifier}: move the hand out of core`,
    })),
  ];
}

const isShared = (path: string): boolean => path.startsWith('shared/');
const isCli = (path: string): boolean => path.startsWith('control-plane/cli/');
const isLocalCli = (path: string): boolean => path.startsWith('control-plane/cli/local/');

const isDashboard = (path: string): boolean => path.startsWith('control-plane/dashboard/');

type Border = { readonly why: string; readonly crosses: (from: string, to: string) => boolean };

/** shared ← core ← rooms ← loops; agent and control plane never meet; the CLI speaks HTTP, save its `local/` part that starts processes. */
const BORDERS: readonly Border[] = [
  { why: 'a program never imports tests or scripts', crosses: (_, to) => /^(?:test|scripts)\//.test(to) },
  { why: 'shared knows neither program', crosses: (from, to) => isShared(from) && !isShared(to) },
  {
    why: 'agent and control plane meet only in shared',
    crosses: (from, to) => !isShared(from) && !isShared(to) && from.split('/')[0] !== to.split('/')[0],
  },
  { why: 'core knows only core and shared', crosses: (from, to) => isCore(from) && !isCore(to) && !isShared(to) },
  {
    why: 'the CLI is a customer of the HTTP API',
    crosses: (from, to) => isCli(from) && !isLocalCli(from) && !isCli(to) && !isShared(to),
  },
  {
    why: 'the dashboard is a customer of the HTTP API',
    crosses: (from, to) => isDashboard(from) && !isDashboard(to) && !isShared(to),
  },
  { why: 'nothing but a browser runs the dashboard', crosses: (from, to) => !isDashboard(from) && isDashboard(to) },
];

function directionFinding(from: string, to: string): Finding[] {
  if (/^(?:test|scripts)\//.test(from)) return [];
  const border = BORDERS.find(({ crosses }) => crosses(from, to));
  return border ? [{ file: from, message: `imports ${to}: ${border.why}` }] : [];
}

function findCycles(files: readonly SourceFile[]): Finding[] {
  const graph = new Map(
    files.map((file) => [file.path, file.imports.flatMap((item) => (item.file ? [item.file] : []))]),
  );
  const state = new Map<string, 'open' | 'done'>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      findings.push({
        file: path,
        message: `imports itself in a circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`,
      });
      return;
    }
    state.set(path, 'open');
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of graph.keys()) visit(path, []);
  return findings;
}

/** Files that no program, script or test reaches: dead. Entry points are named in package.json, spawned by path, or tests. */
function findUnreachable(files: readonly SourceFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const isEntry = (file: SourceFile): boolean =>
    file.path.startsWith('test/') ||
    /(^|\/)(main|.*-process|.*-worker|vitest\.config|vite\.config)\.tsx?$/.test(file.path) ||
    file.path.startsWith('scripts/') ||
    file.path === 'control-plane/cli/belay.ts';
  const reached = new Set<string>();
  const walk = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const item of byPath.get(path)?.imports ?? []) if (item.file) walk(item.file);
  };
  for (const file of files) if (isEntry(file)) walk(file.path);
  return files
    .filter((file) => !reached.has(file.path))
    .map((file) => ({ file: file.path, message: 'nothing imports it' }));
}
