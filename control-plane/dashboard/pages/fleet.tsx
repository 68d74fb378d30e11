// The fleet wall: every device by factory and hardware, and the worst first.
import type { StatusReport } from '../../../shared/protocol/api-status.ts';
import { useResource } from '../live/resource.ts';
import { Empty, Trouble } from '../shell/kit.tsx';

export function FleetPage() {
  const { value, problem, refresh } = useResource<StatusReport>('/v1/status', [{ resource: 'device' }]);
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  if (value.devices.total === 0)
    return <Empty title="No device has connected yet" command="belay device enroll SITE/DEVICE" />;
  return <h1>Fleet: {value.devices.total} devices</h1>;
}
