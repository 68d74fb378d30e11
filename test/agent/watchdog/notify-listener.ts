// systemd's side of the notify socket: a Unix datagram socket, which Node cannot open; Perl is on every Debian.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const SCRIPT = `
use Socket; $| = 1;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, pack_sockaddr_un($ARGV[0])) or die $!;
while (defined recv($s, my $text, 65536, 0)) { $text =~ s/\\n/\\t/g; print "$text\\n"; }
`;

export type Heard = { readonly atMs: number; readonly fields: Readonly<Record<string, string>> };

export class NotifyListener {
  readonly path: string;
  readonly heard: Heard[] = [];
  readonly #child: ChildProcess;

  constructor(path: string) {
    this.path = path;
    this.#child = spawn('perl', ['-e', SCRIPT, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
  }

  isOpen(): boolean {
    return existsSync(this.path);
  }

  /** Values of a variable, in the order in which they came. */
  values(name: string): readonly string[] {
    return this.heard.flatMap(({ fields }) => (fields[name] === undefined ? [] : [fields[name]]));
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  #take(line: string): void {
    const pairs = line.split('\t').filter(Boolean);
    const fields = pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
    this.heard.push({ atMs: performance.now(), fields: Object.fromEntries(fields) });
  }
}
