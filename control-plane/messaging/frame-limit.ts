// Bounds what one client may make us buffer or compute per packet: the declared length is judged before the body is
// read. aedes has no such limit; a stranger's 256 MB CONNECT grew it by 262 MB.
import type { Client } from 'aedes';
import { cutClient, hasSentConnack, parserOf } from './aedes-internals.ts';
import { Refusal } from './faults.ts';
import type { BrokerLimits } from './limits.ts';

export type FrameLimitOptions = {
  readonly limits: Pick<BrokerLimits, 'connectFrameBytesMax' | 'frameBytesMax'>;
  /** Asked for every packet, pings included; false cuts the client. */
  readonly mayHandlePacket: (command: string | undefined) => boolean;
};

/** Call once per client, before it reads its first byte. */
export function limitFrames(client: Client, options: FrameLimitOptions): void {
  const parser = parserOf(client);
  const parseLength = parser._parseLength.bind(parser);
  const parse = parser.parse.bind(parser);

  parser._parseLength = () => {
    const isRead = parseLength();
    const bytesMax = hasSentConnack(client) ? options.limits.frameBytesMax : options.limits.connectFrameBytesMax;
    if (!isRead || parser.packet.length <= bytesMax) return isRead;
    parser._emitError(
      new Refusal('frame-too-large', `declared a frame of ${parser.packet.length} bytes > ${bytesMax}`),
    );
    return false;
  };
  // Malformed bytes can make the parser or a packet's handling throw; here that would end the whole process.
  parser.parse = (chunk) => {
    try {
      return parse(chunk);
    } catch (error) {
      cutClient(client, new Refusal('protocol-error', 'sent bytes that are not MQTT 3.1.1', { cause: error }));
      return 0;
    }
  };
  parser.prependListener('packet', (packet: { readonly cmd?: string }) => {
    if (!options.mayHandlePacket(packet.cmd))
      cutClient(client, new Refusal('flood', 'sent packets faster than the limit'));
  });
}
