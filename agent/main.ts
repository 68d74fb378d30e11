// The agent's process: arguments, log, signals, exit codes. 0 = stopped cleanly, 1 = could not start, 2 = used wrongly.
// Standard output belongs to the answers; everything said about the agent goes to standard error.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BelayError, describeError } from '../shared/basics/errors.ts';
import { type AgentConfig, ConfigError, loadConfig } from './config.ts';
import { explainDevice } from './explain-device.ts';
import { openLog } from './log.ts';
import { openAgent } from './open-agent.ts';
import { keepNoSharedBlocks } from './small-memory.ts';

const USAGE = `belay agent: runs the baseline and the candidate of a vision model on this device

  node agent/main.ts --config FILE            run until SIGTERM
  node agent/main.ts explain --config FILE    say what this device runs, and why
  node agent/main.ts --help | --version

  --config FILE   JSON or YAML; see agent/README.md
  --tether        stop when standard input ends (for a parent that may die)

Environment: BELAY_SITE, BELAY_DEVICE, BELAY_DATA_DIR, BELAY_MQTT_URL, BELAY_API_URL, BELAY_PASSWORD and
BELAY_LOG_LEVEL win over the file.
Exit codes: 0 stopped cleanly, 1 could not start or had to stop, 2 wrong use or configuration.
`;

/** A clean stop takes no longer; what still hangs then is ended with us, because its fd 3 closes. */
const STOP_MS_MAX = 3_000;

type Arguments = { readonly command: 'run' | 'explain'; readonly config: string; readonly tether: boolean };

keepNoSharedBlocks();
const version = readVersion();
const asked = readArguments(process.argv.slice(2));
if (asked !== null) await run(asked);

async function run({ command, config: path, tether }: Arguments): Promise<void> {
  try {
    const config = loadConfig(path, process.env);
    if (command === 'explain') process.stdout.write(explainDevice(config));
    else await serve(config, tether);
  } catch (error) {
    process.stderr.write(`${error instanceof BelayError ? error.message : describeError(error)}\n`);
    // Not only the exit code: what has been started before the failure would keep the process alive, half an agent.
    process.exit(error instanceof ConfigError ? 2 : 1);
  }
}

async function serve(config: AgentConfig, tether: boolean): Promise<void> {
  const { log, close: closeLog } = openLog({ level: config.logLevel, site: config.site, device: config.device, fd: 2 });
  process.on('uncaughtExceptionMonitor', (error) => log.fatal({ error: error.stack }, 'a mistake in this program'));
  log.info({ version, node: process.version, dataDir: config.dataDir }, 'starting');
  const agent = await openAgent({ config, version, log, env: process.env });
  let isStopping = false;
  const stop = (why: string) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ why }, 'stopping');
    // A hand that hangs must not keep a dying agent alive.
    setTimeout(() => process.exit(0), STOP_MS_MAX).unref();
    void agent.close().then(
      () => endWith(0),
      (error: unknown) => {
        log.error({ error: describeError(error) }, 'the stop was not clean');
        return endWith(1);
      },
    );
  };
  const endWith = async (code: number) => {
    await closeLog();
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  if (tether) {
    process.stdin.on('end', () => stop('standard input has ended'));
    process.stdin.on('error', () => stop('standard input has failed'));
    process.stdin.resume();
  }
}

function readArguments(args: readonly string[]): Arguments | null {
  try {
    const options = {
      config: { type: 'string' },
      tether: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values.help) return say(USAGE);
    if (values.version) return say(`${version}\n`);
    const [command = 'run', ...more] = positionals;
    if ((command !== 'run' && command !== 'explain') || more.length > 0)
      return misuse(`unknown: ${positionals.join(' ')}`);
    if (values.config === undefined) return misuse('--config FILE is missing');
    return { command, config: values.config, tether: values.tether };
  } catch (error) {
    return misuse(describeError(error));
  }
}

function say(text: string): null {
  process.stdout.write(text);
  return null;
}

function misuse(what: string): null {
  process.stderr.write(`${what}\n\n${USAGE}`);
  process.exitCode = 2;
  return null;
}

function readVersion(): string {
  const text = readFileSync(new URL('./package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
