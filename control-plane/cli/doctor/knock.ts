// Knocks at the doors that a control plane needs: its broker's, and its certificate's. Reads the first answer and hangs up.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describeError } from '../../../shared/basics/errors.ts';

const KNOCK_MS = 5000;
/** MQTT 3.1.1 CONNECT without a name: a broker that guards its door refuses it, and a refusal is an answer. */
const CONNECT = Buffer.from([
  0x10, 0x11, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 5, 0x64, 0x6f, 0x63, 0x74, 0x72,
]);
const CONNACK = 0x20;
const REFUSED: Readonly<Record<number, string>> = { 4: 'it wants a password', 5: 'it lets only known devices in' };

export type Knock = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

/** `mqtt://` or `mqtts://`. */
export async function knockAtBroker(mqttUrl: string): Promise<Knock> {
  const url = new URL(mqttUrl);
  const isTls = url.protocol === 'mqtts:';
  const place = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || (isTls ? 8883 : 1883)) };
  try {
    const startedAtMs = performance.now();
    const answer = await firstBytes(isTls ? connectTls({ ...place, rejectUnauthorized: false }) : connectTcp(place));
    const tookMs = Math.round(performance.now() - startedAtMs);
    if (answer === null) return { ok: true, text: `${url.host} is open, and hangs up on strangers (${tookMs} ms)` };
    if (answer[0] !== CONNACK) return { ok: false, reason: `${url.host} answers, but not as an MQTT broker` };
    return { ok: true, text: `${url.host} answers in ${tookMs} ms; ${REFUSED[answer[3] ?? 0] ?? 'it accepts'}` };
  } catch (error) {
    return { ok: false, reason: `${url.host}: ${describeError(error)}` };
  }
}

/** Null: it was closed without a word. */
function firstBytes(socket: Socket): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(KNOCK_MS, () => reject(new Error(`no answer within ${KNOCK_MS / 1000} s`)));
    socket.once('connect', () => socket.write(CONNECT));
    socket.once('data', (bytes) => resolve(bytes));
    socket.once('close', () => resolve(null));
    socket.once('error', reject);
  }).finally(() => socket.destroy()) as Promise<Buffer | null>;
}

/** Until when the certificate holds; whether it is trusted is for the requests to find out. */
export async function certificateEnd(httpsUrl: string): Promise<number> {
  const url = new URL(httpsUrl);
  const socket: TLSSocket = connectTls({
    host: url.hostname,
    port: Number(url.port || 443),
    servername: url.hostname,
    rejectUnauthorized: false,
  });
  try {
    return await new Promise<number>((resolve, reject) => {
      socket.setTimeout(KNOCK_MS, () => reject(new Error(`no answer within ${KNOCK_MS / 1000} s`)));
      socket.once('secureConnect', () => resolve(Date.parse(socket.getPeerCertificate().valid_to)));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
  }
}
