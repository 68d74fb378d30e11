// The sites that there are, and where devices and people connect.
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { StatusReport } from '../../../../shared/protocol/api-status.ts';
import { useResource } from '../../live/resource.ts';
import { Age, Cli, Trouble } from '../../shell/kit.tsx';
import { Facts, Panel, Scroll } from '../parts/parts.tsx';

export function Sites() {
  const { value, problem, readAtMs, refresh } = useResource(endpoint('GET /v1/status'), [{ resource: 'kill' }]);
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  return (
    <>
      <Panel title="Sites" wide>
        {value.sites.length === 0 ? (
          <p>A site is there as soon as its first device connects.</p>
        ) : (
          <SiteTable status={value} />
        )}
        <p>
          Counted <Age atMs={readAtMs} />.
        </p>
        <Cli command="belay device credentials SITE/DEVICE" />
      </Panel>
      <Panel title="This control plane" wide>
        <Facts
          facts={[
            ['Version', value.version],
            ['Up', <Age atMs={value.startedAtMs} staleMs={Number.POSITIVE_INFINITY} />],
            ['People and programs', value.apiUrl],
            ['Devices', value.mqttUrl],
            ['Windows kept', `${value.telemetry.stored} messages stored, ${value.telemetry.failures} failures`],
            ['Messages refused', String(value.refused.total)],
            ['Leases', `${value.leases.granted} granted, ${value.leases.failed} failed`],
          ]}
          empty=""
        />
      </Panel>
    </>
  );
}

function SiteTable({ status }: { readonly status: StatusReport }) {
  const columns = ['Devices', 'Online', 'On trial', 'Blocked', 'Killed', 'Behind'] as const;
  return (
    <Scroll label="Sites">
      <thead>
        <tr>
          <th scope="col">Site</th>
          {columns.map((title) => (
            <th key={title} scope="col" class="number">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {status.sites.map(({ site, devices, online, onTrial, blocked, killed, behind }) => (
          <tr key={site}>
            <th scope="row">{site}</th>
            {[devices, online, onTrial, blocked, killed, behind].map((figure, at) => (
              <td key={columns[at]} class="number">
                {figure}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}
