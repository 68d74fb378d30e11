// The sites that there are, and where devices and people connect.
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { StatusReport } from '../../../../shared/protocol/api-status.ts';
import { ask, session } from '../../api.ts';
import { useResource } from '../../live/resource.ts';
import { Action, Age, Cli, Trouble } from '../../shell/kit.tsx';
import { Facts, Panel, Scroll } from '../parts/parts.tsx';
import { ConfigPanel } from './config.tsx';
import { picturesChange } from './settings-words.ts';

export function Sites() {
  const { value, problem, readAtMs, refresh } = useResource(endpoint('GET /v1/status'), [{ resource: 'kill' }]);
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  return (
    <>
      <Panel title="Sites" wide>
        {value.sites.length === 0 ? (
          <p>A site is there as soon as its first device connects.</p>
        ) : (
          <SiteTable status={value} refresh={refresh} />
        )}
        <p>
          Counted <Age atMs={readAtMs} />.
        </p>
        <p class="soft">A new device needs a password and the keys that it shall trust:</p>
        <Cli command="belay device credentials SITE/DEVICE --write FOLDER" />
      </Panel>
      <Panel title="This control plane" wide>
        <Facts
          facts={[
            ['Version', value.version],
            ['Started', <Age atMs={value.startedAtMs} staleMs={Number.POSITIVE_INFINITY} />],
            ['People and programs', value.apiUrl],
            ['Devices', value.mqttUrl],
            ['Windows kept', `${value.telemetry.stored} messages stored, ${value.telemetry.failures} failures`],
            ['Messages refused', String(value.refused.total)],
            ['Leases', `${value.leases.granted} granted, ${value.leases.failed} failed`],
          ]}
          empty=""
        />
      </Panel>
      <ConfigPanel />
    </>
  );
}

function SiteTable({ status, refresh }: { readonly status: StatusReport; readonly refresh: () => void }) {
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
          <th scope="col">Pictures</th>
        </tr>
      </thead>
      <tbody>
        {status.sites.map(({ site, devices, online, onTrial, blocked, killed, behind, pictures }) => (
          <tr key={site}>
            <th scope="row">{site}</th>
            {[devices, online, onTrial, blocked, killed, behind].map((figure, at) => (
              <td key={columns[at]} class="number">
                {figure}
              </td>
            ))}
            <td>
              <Pictures site={site} pictures={pictures ?? 'off'} refresh={refresh} />
            </td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}

type PicturesProps = { readonly site: string; readonly pictures: 'on' | 'off'; readonly refresh: () => void };

function Pictures({ site, pictures, refresh }: PicturesProps) {
  const { wanted, word, says, disabledBecause } = picturesChange({ site, pictures }, session.value);
  return (
    <>
      {pictures === 'on' ? <b>on</b> : 'off'}{' '}
      <Action
        word={word}
        says={says}
        command={`belay site set ${site} --pictures ${wanted} --reason REASON`}
        disabledBecause={disabledBecause}
        run={async (reason) => {
          await ask(endpoint('PUT /v1/sites/:site/policy', { site }), { pictures: wanted, reason });
          refresh();
        }}
      >
        <p>
          Operators of the site may then ask a device for its last frame, and for frames in which a shadow differs.
          Every ask and every look stands in the audit. Nothing is kept on a disk.
        </p>
      </Action>
    </>
  );
}
