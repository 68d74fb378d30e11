// Answers on the device's own MQTT topic, QoS 0: while the link is down or full they are dropped and counted.
import { type Sink, Tally } from './sink.ts';

export type AnswerLink = {
  readonly isUp: () => boolean;
  readonly publish: (
    channel: 'answers',
    payload: string,
    options: { readonly qos: 0; readonly retain: false },
  ) => Promise<void>;
};

export function openMqttSink(link: AnswerLink): Sink {
  const tally = new Tally();
  return {
    publish: (line) => {
      if (!link.isUp()) {
        tally.dropped('link-down', 1);
        return;
      }
      link.publish('answers', line, { qos: 0, retain: false }).then(
        () => tally.sent(1),
        () => tally.dropped('link-full', 1),
      );
    },
    counts: () => ({ ...tally.counts(), trouble: link.isUp() ? null : 'the link to the control plane is down' }),
    // The link belongs to whoever opened it.
    close: async () => undefined,
  };
}
