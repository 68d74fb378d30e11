// Opens the link to the control plane, and says who hears what comes from there. Null on a device that has none.
import type { Logger } from 'pino';
import { openVerifier } from '../shared/signing/signed-document.ts';
import type { AgentConfig } from './config.ts';
import type { ControlLoop } from './control-loop.ts';
import { openIncoming } from './incoming.ts';
import { type Link, openLink } from './link/link.ts';
import type { Onlookers } from './onlookers.ts';
import type { Reporter } from './telemetry/reporter.ts';

export type ConnectParts = {
  readonly config: AgentConfig;
  readonly boot: string;
  readonly log: Logger;
  readonly control: ControlLoop;
  readonly onlookers: Onlookers;
  readonly reporter: Reporter;
  readonly monotonicNow: () => number;
};

export async function connect(parts: ConnectParts): Promise<Link | null> {
  const { config, boot, log, control, onlookers, reporter, monotonicNow } = parts;
  const { controlPlane, site, device } = config;
  if (controlPlane === null) return null;
  const address = { site, device };
  const send = control.send.bind(control);
  const verify = await openVerifier(controlPlane.keySet);
  return openLink({
    url: controlPlane.mqttUrl,
    apiUrl: controlPlane.apiUrl,
    timing: { pollMs: controlPlane.pollMs },
    address,
    password: controlPlane.password,
    boot,
    log,
    ...openIncoming({ verify, address, send, asked: onlookers.asked, monotonicNow, log }),
    onAck: (ack) => reporter.acknowledged(ack),
    onUp: () => {
      send({ kind: 'link', isUp: true });
      control.reportNow();
      reporter.linkUp();
    },
    onDown: (reason) => {
      send({ kind: 'link', isUp: false });
      log.info({ reason }, 'the link to the control plane is down');
    },
  });
}
