// What the local limits leave behind in the state: which limit took a release off without quarantine, and for how long. Data only.

export type LimitName =
  | 'fps'
  | 'latency'
  | 'errors'
  | 'deadline'
  | 'empty'
  | 'alerts'
  | 'temperature'
  | 'throttling'
  | 'battery'
  | 'drain'
  | 'memory'
  | 'starved'
  | 'reserve'
  /** No limit of a figure: the release has come and gone too often. */
  | 'flapping';

export type Suspension = {
  readonly digest: string;
  readonly limit: LimitName;
  readonly reason: string;
  /** Monotonic; null: until a newer generation. */
  readonly untilMs: number | null;
  readonly sinceMs: number;
  readonly times: number;
  readonly generation: number;
  readonly isOver: boolean;
};

/** How often a release has taken over from another one under one order. */
export type TakeOvers = { readonly digest: string; readonly generation: number; readonly times: number };
