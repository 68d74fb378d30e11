// What a device is made of, read once at its start: for people who look at a fleet, and for nothing that is decided.
import { z } from 'zod';

const words = z.string().max(200).nullable();

export const hardwareSchema = z.looseObject({
  /** `NVIDIA Jetson AGX Orin Developer Kit`, or vendor and product of a PC. */
  model: words,
  /** Release of the board's software: `L4T R36.3.0` on a Jetson. */
  boardSupport: words,
  cpu: words,
  cores: z.int().positive().nullable(),
  /** As the driver calls it; null where the model says it all, and where there is none. */
  gpu: words,
  memoryBytes: z.int().nonnegative().nullable(),
  os: words,
  kernel: words,
});

export type Hardware = z.infer<typeof hardwareSchema>;
