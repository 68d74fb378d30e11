// What the candidate does to a device: nothing, or one of the regressions that a judge must find.

/** Acts on devices that run the candidate. Shares: 0.2 is +20 %. */
export type Treatment = {
  /** Latency of the frames, all quantiles alike. */
  readonly latencyShare: number;
  /** Only devices of this class are hit; null: all. */
  readonly hardwareClass: string | null;
  /** It begins so many minutes after the device took the candidate. */
  readonly onsetMinute: number;
  /** Errors are so many times as frequent. */
  readonly errorFactor: number;
  /** Share of devices that send nothing more once they run it. */
  readonly silentShare: number;
};

export const UNCHANGED: Treatment = {
  latencyShare: 0,
  hardwareClass: null,
  onsetMinute: 0,
  errorFactor: 1,
  silentShare: 0,
};

/** Every device, from the beginning. */
export function slowerBy(latencyShare: number): Treatment {
  return { ...UNCHANGED, latencyShare };
}

/** Whether the treatment acts on a device of this class that runs the candidate for so many minutes. */
export function isHit(treatment: Treatment, hardwareClass: string, minutesOnCandidate: number): boolean {
  const { hardwareClass: only, onsetMinute } = treatment;
  return minutesOnCandidate >= onsetMinute && (only === null || only === hardwareClass);
}
