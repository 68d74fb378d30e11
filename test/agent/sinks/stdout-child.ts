// A process that writes answers to its standard output as fast as it can, and says over IPC how it fares.
import { pino } from 'pino';
import { openSinks } from '../../../agent/sinks/sinks.ts';
import { buildRecord } from './record-builder.ts';

const sinks = openSinks([{ kind: 'stdout' }], {
  stdout: process.stdout,
  link: { isUp: () => false, publish: () => Promise.resolve() },
  log: pino({ level: 'silent' }),
});
const record = buildRecord();
let published = 0;
setInterval(() => {
  for (let i = 0; i < 500; i += 1) sinks.publish(record);
  published += 500;
  process.send?.({ published, dropped: sinks.dropped().stdout, unread: process.stdout.writableLength });
}, 5);
process.on('disconnect', () => process.exit(0));
