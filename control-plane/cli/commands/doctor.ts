// `belay doctor`: every part a control plane needs, looked at one by one; each line says ok, warn or fail, with the fix.
import type { Command } from 'commander';
import { examine } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction } from '../program.ts';

const HELP = `
Looks at the address, certificate, clock, token, broker, database, audit, dashboard, agents, refused messages and kills.
Exit 1 when anything fails; warnings alone are exit 0.

Examples
  belay doctor
  belay doctor --data ./.belay          on the control plane's own machine: its disk too
  belay doctor --json | tail -1`;

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('what is wrong with this control plane, and how to mend it')
    .option('--data <folder>', 'its data folder, on its own machine: looks at the disk')
    .addHelpText('after', HELP);
  addAction<{ data?: string }>(command, async ({ api, connection, output }, _args, { data }) => {
    const findings = await examine({ api, connection, dataDir: data ?? null });
    const isWell = findings.every(({ state }) => state !== 'fail');
    output.show({ ok: isWell, findings }, () => findings.map((finding) => renderFinding(finding, output)).join('\n'));
    return isWell ? EXIT.ok : EXIT.failed;
  });
}

const TONES = { ok: 'good', warn: 'warn', fail: 'bad' } as const;

export function renderFinding({ check, state, text, fix }: Finding, output: Pick<Output, 'tint'>): string {
  const line = `${output.tint(TONES[state], state.padEnd(4))}  ${check.padEnd(13)}  ${text}`;
  return fix === null ? line : `${line}\n${' '.repeat(21)}→ ${fix}`;
}
