// A log that keeps what is written, for tests that ask what an operator would see.
import type { RoomLog } from '../../agent/frames/child-log.ts';

export type LogEntry = { readonly level: string; readonly fields: Record<string, unknown>; readonly message: string };

export function openRecordingLog(): RoomLog & { readonly entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    entries.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return { entries, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
