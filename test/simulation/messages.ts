// What travels between a simulated device and the control plane. Signatures are taken for granted here: forged documents
// are the matter of other tests.

import type { Window } from '../../shared/measure/window.ts';
import type { Desired, KillDocument, Lease } from '../../shared/protocol/documents.ts';
import type { DeviceEvent, Hello, Reported } from '../../shared/protocol/reports.ts';

export type KillPlace = 'fleet' | 'site' | 'device';

export type Downlink =
  | { readonly kind: 'desired'; readonly document: Desired; readonly documentDigest: string }
  | {
      readonly kind: 'kill';
      readonly place: KillPlace;
      readonly document: KillDocument;
      readonly documentDigest: string;
    }
  | { readonly kind: 'lease'; readonly document: Lease }
  | { readonly kind: 'ack'; readonly boot: string; readonly seq: number };

/** A numbered document that waits in the device's spool until the control plane has stored it. */
export type Entry = { readonly boot: string; readonly seq: number } & (
  | { readonly kind: 'event'; readonly document: DeviceEvent }
  | { readonly kind: 'window'; readonly document: Window }
);

export type Uplink =
  | { readonly kind: 'hello'; readonly document: Hello }
  | { readonly kind: 'reported'; readonly document: Reported }
  | { readonly kind: 'status'; readonly boot: string; readonly online: boolean }
  | { readonly kind: 'entry'; readonly entry: Entry };
