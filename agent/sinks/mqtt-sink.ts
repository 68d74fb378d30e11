// Answers on the device's own MQTT topic, QoS 0: while the link is down or full they are dropped and counted.
import type { Sink } from './sink.ts';

export type AnswerLink = {
  readonly isUp: () => boolean;
  readonly publish: (
    channel: 'answers',
    payload: string,
    options: { readonly qos: 0; readonly retain: false },
  ) => Promise<void>;
};

export function openMqttSink(link: AnswerLink): Sink {
  let dropped = 0;
  return {
    publish: (line) => {
      if (!link.isUp()) {
        dropped += 1;
        return;
      }
      link.publish('answers', line, { qos: 0, retain: false }).catch(() => {
        dropped += 1;
      });
    },
    dropped: () => dropped,
    // The link belongs to whoever opened it.
    close: () => undefined,
  };
}
