// The buttons that take a device out of rollouts and bring it back; each says why it is off.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { DeviceDocument } from '../../../../shared/protocol/api-devices.ts';
import { ask, session } from '../../api.ts';
import { Action } from '../../shell/kit.tsx';
import { type DutyAction, dutyActions, pinnable } from './duty-verbs.ts';

type Props = { readonly device: DeviceDocument; readonly refresh: () => void };

export function DutyActions({ device, refresh }: Props) {
  return (
    <>
      {dutyActions(device, session.value).map((action) => (
        <DutyVerbAction key={action.verb} action={action} device={device} refresh={refresh} />
      ))}
    </>
  );
}

function DutyVerbAction({ action, device, refresh }: Props & { readonly action: DutyAction }) {
  const releases = pinnable(device);
  const [chosen, setChosen] = useState<string | null>(null);
  const release = chosen ?? releases[0]?.release ?? '';
  const isPin = action.verb === 'pin';
  const run = async (reason: string): Promise<void> => {
    const { site, device: name } = device;
    const address = endpoint('POST /v1/devices/:site/:device/:verb', { site, device: name, verb: action.verb });
    await ask(address, { reason, ...(isPin ? { release } : {}) });
    refresh();
  };
  return (
    <Action {...action} command={action.command.replace('RELEASE', release || 'RELEASE')} run={run}>
      {isPin ? (
        <label>
          Release (what it has committed, or ran before)
          <select value={release} onChange={(event) => setChosen(event.currentTarget.value)}>
            {releases.map((ref) => (
              <option key={ref.digest} value={ref.release}>
                {ref.release}
              </option>
            ))}
          </select>
        </label>
      ) : null}
    </Action>
  );
}
