// Bytes from a device as a typed arrival, or a refusal that says where and why. Pure: nothing here throws on foreign input.
import { describeProblems, type Parsed, parseJson } from '../../shared/basics/parsing.ts';
import { decodeSketch } from '../../shared/measure/latency-sketch.ts';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import {
  type DeviceEvent,
  type DeviceStatus,
  eventSchema,
  type Hello,
  helloSchema,
  type Reported,
  reportedSchema,
  statusSchema,
} from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';

export type StatefulChannel = 'hello' | 'reported' | 'status';
export type CountedChannel = 'window' | 'event';

export type Message = DeviceAddress & { readonly channel: string; readonly payload: Uint8Array };

/** `text` is stored as it came, so that fields of a newer agent are kept. */
export type Arrival = DeviceAddress & { readonly text: string } & (
    | { readonly channel: 'hello'; readonly document: Hello }
    | { readonly channel: 'reported'; readonly document: Reported }
    | { readonly channel: 'status'; readonly document: DeviceStatus }
    | { readonly channel: 'window'; readonly document: Window }
    | { readonly channel: 'event'; readonly document: DeviceEvent }
  );

export type RefusedArrival = DeviceAddress & {
  readonly channel: string;
  readonly kind: 'malformed' | 'wrong-address' | 'too-large' | 'unknown-channel' | 'unstorable';
  readonly reason: string;
  /** Where it stands in the device's sequence, when that much can be read: it must not hold up what follows. */
  readonly position: { readonly boot: string; readonly seq: number } | null;
};

export type Read =
  | { readonly ok: true; readonly arrival: Arrival }
  | { readonly ok: false; readonly refused: RefusedArrival };

/** As the broker's own limit for a frame. */
export const MESSAGE_BYTES_MAX = 256 * 1024;
const PROBLEMS_TOLD_MAX = 3;

export function readMessage(message: Message): Read {
  const { site, device, channel, payload } = message;
  if (payload.byteLength > MESSAGE_BYTES_MAX) {
    return refuse(message, 'too-large', `${payload.byteLength} bytes > ${MESSAGE_BYTES_MAX}`);
  }
  const text = new TextDecoder().decode(payload);
  const parsed = parseChannel(channel, text);
  if (parsed === null) return refuse(message, 'unknown-channel', `nothing is expected on "${channel}"`);
  if (!parsed.ok) {
    const told = describeProblems(parsed.problems.slice(0, PROBLEMS_TOLD_MAX));
    return refuse(message, 'malformed', told, readPosition(text));
  }
  const { document } = parsed.value;
  if (document.site !== site || document.device !== device) {
    const claimed = `${document.site}/${document.device}`;
    return refuse(
      message,
      'wrong-address',
      `says it is of ${claimed}, came from ${site}/${device}`,
      readPosition(text),
    );
  }
  return { ok: true, arrival: { site, device, text, ...parsed.value } };
}

type Parsing =
  | { readonly channel: 'hello'; readonly document: Hello }
  | { readonly channel: 'reported'; readonly document: Reported }
  | { readonly channel: 'status'; readonly document: DeviceStatus }
  | { readonly channel: 'window'; readonly document: Window }
  | { readonly channel: 'event'; readonly document: DeviceEvent };

function parseChannel(channel: string, text: string): Parsed<Parsing> | null {
  switch (channel) {
    case 'hello':
      return mapParsed(parseJson(helloSchema, text), (document) => ({ channel: 'hello', document }));
    case 'reported':
      return mapParsed(parseJson(reportedSchema, text), (document) => ({ channel: 'reported', document }));
    case 'status':
      return mapParsed(parseJson(statusSchema, text), (document) => ({ channel: 'status', document }));
    case 'event':
      return mapParsed(parseJson(eventSchema, text), (document) => ({ channel: 'event', document }));
    case 'window':
      return mapParsed(checkSketches(parseJson(windowSchema, text)), (document) => ({ channel: 'window', document }));
    default:
      return null;
  }
}

function mapParsed<T>(parsed: Parsed<T>, map: (value: T) => Parsing): Parsed<Parsing> {
  return parsed.ok ? { ok: true, value: map(parsed.value) } : parsed;
}

/** A sketch that does not decode would surface weeks later, in a judgement. */
function checkSketches(parsed: Parsed<Window>): Parsed<Window> {
  if (!parsed.ok) return parsed;
  const problems = parsed.value.arms.flatMap((arm, index) =>
    (['latencyMs', 'runMs'] as const)
      .filter((key) => decodeSketch(arm[key]) === null)
      .map((key) => ({ path: `arms.${index}.${key}`, message: 'is not a readable latency sketch' })),
  );
  return problems.length === 0 ? parsed : { ok: false, problems };
}

function readPosition(text: string): { boot: string; seq: number } | null {
  try {
    const value = JSON.parse(text) as { readonly boot?: unknown; readonly seq?: unknown } | null;
    const { boot, seq } = value ?? {};
    const isPosition = typeof boot === 'string' && boot.length >= 8 && boot.length <= 64;
    return isPosition && Number.isSafeInteger(seq) && (seq as number) > 0 ? { boot, seq: seq as number } : null;
  } catch {
    return null; // not JSON: it has no place in any sequence
  }
}

function refuse(
  { site, device, channel }: Message,
  kind: RefusedArrival['kind'],
  reason: string,
  position: RefusedArrival['position'] = null,
): Read {
  return { ok: false, refused: { site, device, channel, kind, reason, position } };
}
