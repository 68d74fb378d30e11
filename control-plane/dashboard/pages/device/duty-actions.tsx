// The buttons that take a device out of rollouts and bring it back; each says why it is off.
import { useState } from 'preact/hooks';
import type { DeviceDocument } from '../../../../shared/protocol/api-devices.ts';
import { act, session } from '../../api.ts';
import { Action } from '../../shell/kit.tsx';
import { type DutyAction, dutyActions, pinnable } from './duty-verbs.ts';

type Props = { readonly device: DeviceDocument; readonly path: string; readonly refresh: () => void };

export function DutyActions({ device, path, refresh }: Props) {
  return (
    <>
      {dutyActions(device, session.value).map((action) => (
        <DutyVerbAction key={action.verb} action={action} device={device} path={path} refresh={refresh} />
      ))}
    </>
  );
}

function DutyVerbAction({ action, device, path, refresh }: Props & { readonly action: DutyAction }) {
  const releases = pinnable(device);
  const [chosen, setChosen] = useState<string | null>(null);
  const release = chosen ?? releases[0]?.release ?? '';
  const isPin = action.verb === 'pin';
  const run = async (reason: string): Promise<void> => {
    await act(`${path}/${action.verb}`, { reason, ...(isPin ? { release } : {}) });
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
