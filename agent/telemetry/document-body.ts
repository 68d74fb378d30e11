// Windows and events as the device writes them, before the spool gives them their place in the sequence. Types only.
import type { Window } from '../../shared/measure/window.ts';
import type { DeviceEvent } from '../../shared/protocol/reports.ts';

/** The named members of a loose document, without its index signature. */
type Named<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

/**
 * A window without its sequence number. The spool numbers a window when it is first sent: one that was merged or
 * dropped before must not leave a hole in the sequence, for the control plane acknowledges without holes.
 */
export type WindowBody = Omit<Named<Window>, 'seq'>;

/** An event without its header, as the caller knows it. */
export type EventFields = Omit<Named<DeviceEvent>, 'v' | 'site' | 'device' | 'boot' | 'seq'>;

/** An event with its header, before the spool numbers it. */
export type EventBody = Omit<Named<DeviceEvent>, 'seq'>;
