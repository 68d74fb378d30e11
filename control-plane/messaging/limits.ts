// Every bound of the embedded broker, with the reason for the number. Numbers only; nothing here acts.

export type BrokerLimits = {
  readonly connectTimeoutMs: number;
  readonly authenticateTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly sweepEveryMs: number;
  readonly queuedBytesMax: number;
  readonly connectFrameBytesMax: number;
  readonly frameBytesMax: number;
  readonly documentBytesMax: number;
  readonly connectionsMax: number;
  readonly keepaliveSMax: number;
  readonly topicLevelsMax: number;
  readonly publishBurst: number;
  readonly publishesPerSecond: number;
  readonly publishesInFlightMax: number;
  readonly answersBurst: number;
  readonly answersPerSecond: number;
  readonly subscribeBurst: number;
  readonly subscribesPerSecond: number;
  readonly packetBurst: number;
  readonly packetsPerSecond: number;
  readonly publishQueueMax: number;
  readonly publishesPerTurn: number;
  readonly faultLogEveryMs: number;
};

export const DEFAULT_BROKER_LIMITS: BrokerLimits = {
  /** A stranger holds a socket for at most this long without a CONNECT. */
  connectTimeoutMs: 10_000,
  /** aedes stops its own timer at CONNECT; without this a stuck credential check would hold the socket for ever. */
  authenticateTimeoutMs: 10_000,
  /** How long a full socket may stay full. The default of aedes is 60 s. */
  drainTimeoutMs: 5_000,
  sweepEveryMs: 1_000,
  /** Bytes waiting for one client: 32 documents of the largest size; more means that it stopped reading. */
  queuedBytesMax: 2 * 1024 * 1024,
  /** A CONNECT with id, token and last will is below 2 KB; a stranger gets no more than this buffered. */
  connectFrameBytesMax: 4 * 1024,
  frameBytesMax: 256 * 1024,
  /** Largest document we send or keep retained: every engine we may move to carries it. */
  documentBytesMax: 64 * 1024,
  connectionsMax: 20_000,
  keepaliveSMax: 120,
  topicLevelsMax: 12,
  /** A reconnecting device sends about 30 messages at once; a spool drains at the refill rate. */
  publishBurst: 200,
  publishesPerSecond: 50,
  /** Agents keep at most 20 unacknowledged; a client beyond this ignores our pace and is cut. */
  publishesInFlightMax: 256,
  answersBurst: 200,
  answersPerSecond: 60,
  /** A device needs six; each one sends a retained document back, so repeating it is an amplifier. */
  subscribeBurst: 64,
  subscribesPerSecond: 1,
  /** Any packet at all, pings and acknowledgements included: three times what a busy device sends. */
  packetBurst: 1_000,
  packetsPerSecond: 250,
  publishQueueMax: 100_000,
  /** Queued documents handed out per turn of the event loop, so that sockets are served in between. */
  publishesPerTurn: 32,
  /** One log line per client and minute, whatever it does. */
  faultLogEveryMs: 60_000,
};
