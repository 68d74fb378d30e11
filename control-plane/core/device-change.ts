// What one device says about a metric: a number on the scale on which devices are compared. A shape, and nothing that works it out.
import type { Scatter } from './scatter.ts';

/** How one device changed, on the comparison scale, and the same seen by each window. */
export type DeviceChange = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly change: number;
  /** Nothing where there are so many devices that the spread between them says enough. */
  readonly since: Scatter;
  readonly before: Scatter;
};
