// Cuts clients that stopped reading, before what waits for them fills our memory. Knows bytes, nothing of MQTT.
import type { Client } from 'aedes';
import { cutClient } from './aedes-internals.ts';
import { Refusal } from './faults.ts';

/** True when the client was cut just now. */
export function cutWhenSlow(client: Client, queuedBytesMax: number): boolean {
  const queuedBytes = client.conn.writableLength;
  if (client.closed || queuedBytes <= queuedBytesMax) return false;
  cutClient(client, new Refusal('slow-client', `stopped reading: ${queuedBytes} bytes waiting > ${queuedBytesMax}`));
  return true;
}
