// Runs one of the project's programs on a fresh machine: installs the packages when they are missing or stale, then
// re-executes with the Node 24 that the project brings when PATH has an older one. Plain JS: it must run on Node 20.
// Usage: node scripts/bootstrap.mjs PROGRAM.ts [ARGUMENT…]   ·   node scripts/bootstrap.mjs --bin TOOL [ARGUMENT…]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const INSTALL_TIMES_MAX = 2;
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const stampFile = path.join(root, 'node_modules', '.belay-installed');

function lockfileDigest() {
  return createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockfileDigest();
}

function fail(message) {
  process.stderr.write(`belay: ${message}\n`);
  process.exit(1);
}

/** Its exit code. npm asks again by itself for each file; what still fails is often over a moment later. */
function npmCi() {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=4'];
  const npm = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (npm.error) fail(`cannot run npm: ${npm.error.message}. Install Node.js with npm 10 or newer and try again.`);
  return npm.status;
}

function install() {
  const startedAt = process.hrtime.bigint();
  process.stderr.write('belay: installing packages (once; about half a minute with a warm npm cache) …\n');
  let status = npmCi();
  for (let time = 2; status !== 0 && time <= INSTALL_TIMES_MAX; time += 1) {
    process.stderr.write(`belay: "npm ci" failed (exit ${status}); trying once more …\n`);
    status = npmCi();
  }
  if (status !== 0)
    fail(
      `"npm ci" failed ${INSTALL_TIMES_MAX} times (exit ${status}); its own message is above. The npm registry must be reachable.`,
    );
  writeFileSync(stampFile, lockfileDigest());
  process.stderr.write(
    `belay: packages installed in ${Math.round(Number(process.hrtime.bigint() - startedAt) / 1e9)} s\n`,
  );
}

/** This Node when it is new enough, else the one in node_modules. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const bundled = path.join(root, 'node_modules', name, 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  // npm says nothing when a package that not every platform has does not come.
  if (readFileSync(path.join(root, 'package-lock.json'), 'utf8').includes(`"node_modules/${name}"`)) {
    rmSync(stampFile, { force: true });
    fail(
      `needs Node ${NODE_MAJOR}, this is ${process.version}, and npm has left out the package ${name} that brings it: the npm registry must be reachable. Try again: it is installed anew.`,
    );
  }
  return fail(
    `needs Node ${NODE_MAJOR}, this is ${process.version}, and the project brings none for ${process.platform}-${process.arch}. Install Node ${NODE_MAJOR} and try again.`,
  );
}

/** The JavaScript entry of a tool in node_modules. */
function findTool(name) {
  const link = path.join(root, 'node_modules', '.bin', name);
  if (!existsSync(link)) fail(`no tool "${name}" among the installed packages`);
  return link;
}

function run(node, args) {
  const compileCache = path.join(root, 'node_modules', '.cache', 'compile');
  mkdirSync(compileCache, { recursive: true });
  const child = spawn(node, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache,
      PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
    },
  });
  // The terminal sends Ctrl-C to the whole group: the program ends itself, and we stay to hand on its exit code.
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', () => {});
  process.on('SIGTERM', forward);
  process.on('SIGHUP', forward);
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
}

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) fail('usage: node scripts/bootstrap.mjs PROGRAM.ts [ARGUMENT…] | --bin TOOL [ARGUMENT…]');
if (!isInstalled()) install();
const node = findNode();
if (program === '--bin') {
  const [tool, ...toolArguments] = rest;
  if (tool === undefined) fail('usage: node scripts/bootstrap.mjs --bin TOOL [ARGUMENT…]');
  run(node, [findTool(tool), ...toolArguments]);
} else {
  run(node, ['--disable-warning=ExperimentalWarning', path.resolve(root, program), ...rest]);
}
