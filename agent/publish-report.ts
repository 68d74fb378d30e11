// What the device says of itself, whole, whenever it changes. It decides nothing and never waits for the network.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { describeError } from '../shared/basics/errors.ts';
import type { Hardware } from '../shared/protocol/hardware.ts';
import type { AgentConfig } from './config.ts';
import type { ReportBody } from './core/explain.ts';
import type { Launcher } from './inference/inference.ts';
import type { Link } from './link/link.ts';
import type { Sinks } from './sinks/sinks.ts';

type ReportParts = {
  readonly config: AgentConfig;
  readonly version: string;
  readonly boot: string;
  readonly log: Logger;
  readonly link: Pick<Link, 'publish' | 'isUp'>;
  readonly wallNow: () => number;
  readonly launcher: Launcher;
  readonly sinks: Sinks;
};

/** To the control plane while it can be reached, and to a file for whoever stands before the box. */
export function publishReport(
  hardware: Hardware,
  { config, version, boot, log, link, wallNow, launcher, sinks }: ReportParts,
  body: ReportBody,
): void {
  const { site, device, hardwareClass, line } = config;
  const header = { v: 1 as const, site, device, boot, atMs: Math.round(wallNow()), agentVersion: version };
  const parts = { hardware, memoryLimit: launcher.memory(), sinks: sinks.report(), pictures: config.pictures };
  const text = JSON.stringify({ ...header, hardwareClass, line, ...parts, ...body });
  try {
    writeFileSync(join(config.dataDir, 'reported.json'), text);
  } catch (error) {
    log.debug({ error: describeError(error) }, 'the report file could not be written');
  }
  if (!link.isUp()) return;
  link.publish('reported', text, { qos: 1, retain: true }).catch((error: unknown) => {
    log.debug({ error: describeError(error) }, 'a report was not delivered; the next one says the same');
  });
}
