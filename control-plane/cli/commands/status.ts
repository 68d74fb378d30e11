// `belay status`: the whole fleet on one screen.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { rolloutSummarySchema } from '../../../shared/protocol/api-rollouts.ts';
import { type StatusReport, statusReportSchema } from '../../../shared/protocol/api-status.ts';
import type { Output } from '../output.ts';
import { addAction } from '../program.ts';
import { formatAge, formatDuration, renderTable } from '../render/table.ts';

export function addStatusCommand(program: Command): void {
  const command = program.command('status').description('the fleet on one screen: sites, releases, rollouts, kills');
  addAction(command, async ({ api, output }) => {
    const status = await api.ask(endpoint('GET /v1/status'), statusReportSchema);
    output.show(status, () => renderStatus(status, output));
    return undefined;
  });
}

export function renderStatus(status: StatusReport, output: Pick<Output, 'tint'>): string {
  const { total, online } = status.devices;
  const parts = [
    `${online} of ${total} devices online   control plane ${status.version}, up for ${formatDuration(Math.max(0, status.nowMs - status.startedAtMs))}`,
    renderSites(status),
    renderReleases(status),
    renderRollouts(status),
    renderKills(status, output),
    renderLeases(status, output),
    renderRefused(status, output),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function renderSites(status: StatusReport): string {
  if (status.sites.length === 0)
    return 'No devices yet. Next: belay device credentials SITE/DEVICE, then start an agent.';
  const columns = [
    { title: 'SITE' },
    ...['DEVICES', 'ONLINE', 'ON TRIAL', 'BLOCKED', 'KILLED', 'BEHIND'].map((title) => ({
      title,
      align: 'right' as const,
    })),
  ];
  const rows = status.sites.map((site) => [
    site.site,
    ...[site.devices, site.online, site.onTrial, site.blocked, site.killed, site.behind].map(String),
  ]);
  return renderTable(columns, rows);
}

/** Silent while every device that asks is answered. */
function renderLeases({ leases }: StatusReport, output: Pick<Output, 'tint'>): string {
  const withheld = Object.entries(leases.withheld).map(([reason, count]) => `${count} × ${reason}`);
  if (withheld.length === 0 && leases.failed === 0) return '';
  const failed = leases.failed > 0 ? `, ${leases.failed} could not be sent` : '';
  const parts = withheld.length > 0 ? `, withheld ${withheld.join(', ')}` : '';
  return output.tint('dim', `Leases since the start: ${leases.granted} granted${parts}${failed}`);
}

function renderReleases(status: StatusReport): string {
  if (status.releases.length === 0) return '';
  const columns = [
    { title: 'RELEASE' },
    { title: 'ANSWERING', align: 'right' as const },
    { title: 'COMMITTED', align: 'right' as const },
  ];
  return renderTable(
    columns,
    status.releases.map((share) => [share.release, String(share.serving), String(share.committed)]),
  );
}

/** One line for each rollout that is not over. */
function renderRollouts(status: StatusReport): string {
  return status.rollouts
    .map((rollout) => rolloutSummarySchema.safeParse(rollout))
    .flatMap((parsed) => (parsed.success ? [parsed.data] : []))
    .map((rollout) => `rollout ${rollout.id} ${rollout.killed === null ? rollout.state : 'killed'}: ${rollout.status}`)
    .join('\n');
}

function renderKills(status: StatusReport, output: Pick<Output, 'tint'>): string {
  const active = status.kills.filter((kill) => kill.active);
  return active
    .map((kill) =>
      output.tint(
        'bad',
        `KILL ${kill.id} in force on ${describeScope(kill.scope)}, raised ${formatAge(kill.raisedAtMs, status.nowMs)}: ${kill.reason}`,
      ),
    )
    .join('\n');
}

function renderRefused(status: StatusReport, output: Pick<Output, 'tint'>): string {
  if (status.refused.total === 0) return '';
  const [last] = status.refused.last; // newest first
  const example = last ? ` Last: ${last.site}/${last.device} ${last.channel}: ${last.reason}` : '';
  return output.tint('warn', `${status.refused.total} messages refused.${example}`);
}

export function describeScope(scope: { readonly kind: string } & Record<string, unknown>): string {
  switch (scope.kind) {
    case 'site':
      return `site ${scope.site}`;
    case 'device':
      return `device ${scope.site}/${scope.device}`;
    case 'rollout':
      return `rollout ${scope.rolloutId}`;
    case 'release':
      return `release ${scope.release}`;
    default:
      return 'the whole fleet';
  }
}
