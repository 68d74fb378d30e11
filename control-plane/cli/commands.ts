// Every command of `belay`, and where it comes from. A command's file is loaded only when that command is asked for.
import type { Command } from 'commander';

type Add = (program: Command) => void;
export type Row = {
  readonly name: string;
  /** As in the list of commands; the command's own file says the same. */
  readonly description: string;
  /** Commands with the same one come from the same file. */
  readonly from: keyof typeof FILES;
};

const FILES = {
  local: async (): Promise<Add> => (await import('./local/local.ts')).addLocalCommands,
  about: async (): Promise<Add> => (await import('./commands/about.ts')).addAboutCommands,
  doctor: async (): Promise<Add> => (await import('./commands/doctor.ts')).addDoctorCommand,
  login: async (): Promise<Add> => (await import('./commands/login.ts')).addLoginCommands,
  context: async (): Promise<Add> => (await import('./commands/context.ts')).addContextCommands,
  token: async (): Promise<Add> => (await import('./commands/token.ts')).addTokenCommands,
  account: async (): Promise<Add> => (await import('./commands/account.ts')).addAccountCommands,
  audit: async (): Promise<Add> => (await import('./commands/audit.ts')).addAuditCommands,
  status: async (): Promise<Add> => (await import('./commands/status.ts')).addStatusCommand,
  release: async (): Promise<Add> => (await import('./commands/release.ts')).addReleaseCommands,
  rollout: async (): Promise<Add> => (await import('./commands/rollout.ts')).addRolloutCommands,
  guardrail: async (): Promise<Add> => (await import('./commands/guardrail.ts')).addGuardrailCommands,
  cohort: async (): Promise<Add> => (await import('./commands/cohort.ts')).addCohortCommands,
  device: async (): Promise<Add> => (await import('./commands/device.ts')).addDeviceCommands,
  site: async (): Promise<Add> => (await import('./commands/site.ts')).addSiteCommands,
  kill: async (): Promise<Add> => (await import('./commands/kill.ts')).addKillCommands,
  incident: async (): Promise<Add> => (await import('./commands/incident.ts')).addIncidentCommands,
  metrics: async (): Promise<Add> => (await import('./commands/metrics.ts')).addMetricsCommands,
  drill: async (): Promise<Add> => (await import('./commands/drill.ts')).addDrillCommands,
  webhook: async (): Promise<Add> => (await import('./commands/webhook.ts')).addWebhookCommands,
  completion: async (): Promise<Add> => (await import('./commands/completion.ts')).addCompletionCommand,
} as const;

export const ROWS: readonly Row[] = [
  { name: 'up', from: 'local', description: 'run a control plane here, in the foreground' },
  {
    name: 'demo',
    from: 'local',
    description: 'a small fleet on this machine: a good model climbs, a bad one is stopped, a kill brings all back',
  },
  { name: 'status', from: 'status', description: 'the fleet on one screen: sites, releases, rollouts, kills' },
  { name: 'doctor', from: 'doctor', description: 'what is wrong with this control plane, and how to mend it' },
  { name: 'version', from: 'about', description: 'the version of this command' },
  { name: 'dashboard', from: 'about', description: 'the address of the dashboard, or of one thing on it' },
  { name: 'release', from: 'release', description: 'releases: immutable model versions with their manifest' },
  {
    name: 'rollout',
    from: 'rollout',
    description: 'rollouts: moving devices from a baseline to a candidate, stage by stage',
  },
  { name: 'rollback', from: 'rollout', description: 'take every device of a rollout back (belay rollout rollback)' },
  { name: 'guardrail', from: 'guardrail', description: 'guardrails: what they would have said' },
  { name: 'cohort', from: 'cohort', description: 'who would get a candidate, and what the fleet is made of' },
  { name: 'device', from: 'device', description: 'devices: what they run, and why' },
  { name: 'site', from: 'site', description: 'sites: what they allow, such as pictures of their devices' },
  {
    name: 'kill',
    from: 'kill',
    description: 'take everything on trial in a scope off, now; stays in force until rearmed',
  },
  { name: 'rearm', from: 'kill', description: 'end a kill' },
  { name: 'kills', from: 'kill', description: 'every kill, newest first' },
  {
    name: 'incident',
    from: 'incident',
    description: 'incidents: what happened when a rollout was held, killed, rolled back or ended, with its evidence',
  },
  {
    name: 'metrics',
    from: 'metrics',
    description: 'business figures of devices and lines: reviewed alerts, defects caught, parts, cost',
  },
  { name: 'drill', from: 'drill', description: 'rehearse a failed candidate, and measure how fast all are back' },
  {
    name: 'webhook',
    from: 'webhook',
    description: 'webhooks: signed CloudEvents about rollouts, kills, incidents and devices, to an address of yours',
  },
  { name: 'login', from: 'login', description: 'sign in to a control plane; this machine gets a token of its own' },
  { name: 'logout', from: 'login', description: 'sign out: the token of this machine is revoked and forgotten' },
  { name: 'whoami', from: 'login', description: 'who is signed in, and what that allows where' },
  { name: 'context', from: 'context', description: 'the control planes known here, and which is meant by default' },
  { name: 'token', from: 'token', description: 'API tokens, for machines: shown once, expiring, revocable' },
  { name: 'account', from: 'account', description: 'accounts of people, with their roles by site' },
  { name: 'audit', from: 'audit', description: 'who did what, and whether that record is whole' },
  { name: 'completion', from: 'completion', description: 'print a script for completion in your shell' },
];

/**
 * Adds every command to `program`: those whose file holds `name` in full, all others by name and description alone.
 * `null`: all in full.
 */
export async function addCommands(program: Command, name: string | null): Promise<void> {
  const wanted = ROWS.find((row) => row.name === name)?.from;
  const done = new Set<string>();
  for (const { name: rowName, from, description } of ROWS) {
    if (name !== null && from !== wanted) program.command(rowName).description(description);
    else if (!done.has(from)) {
      done.add(from);
      (await FILES[from]())(program);
    }
  }
}
