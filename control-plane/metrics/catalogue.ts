// Every metric by its name: what it counts and how two samples with the same labels become one. The list is the contract with
// alert rules and dashboards: a name that is not here is not told, and none has a label for a device.

export type MetricKind = 'gauge' | 'counter' | 'histogram';
type Metric = { readonly kind: MetricKind; readonly help: string; readonly combine?: 'sum' | 'max' };

export const METRICS = {
  belay_build_info: gauge('The version that runs; always 1', 'max'),
  process_start_time_seconds: gauge('When the control plane started, in seconds since 1970', 'max'),
  process_cpu_seconds_total: counter('Processor time that the control plane has used'),
  process_resident_memory_bytes: gauge('Memory of the control plane'),
  belay_scrape_fault: gauge('1 for a part of this page that could not be read now', 'max'),

  belay_devices: gauge('Devices by site, hardware class and condition, the worst one where several fit'),
  belay_devices_online: gauge('Devices that are connected and speak'),
  belay_devices_behind: gauge('Online devices that have not reached what is desired of them'),
  belay_devices_serving: gauge('Online devices by the release that answers, and in which role'),
  belay_frames_per_second: gauge(
    'Answered frames per second and device in the newest windows: the median, and the worst',
    'max',
  ),
  belay_latency_p95_seconds: gauge(
    'p95 of capture to answer per device in the newest windows: the median, and the worst',
    'max',
  ),
  belay_temperature_celsius: gauge(
    'Hottest processor zone per device in the newest windows: the median, and the worst',
    'max',
  ),
  belay_frames_answered_total: counter('Frames answered, as windows told it since the start'),
  belay_frame_errors_total: counter('Frames that a release failed on, as windows told it since the start'),

  belay_windows_ingested_total: counter('Windows taken from devices since the start, each once'),
  belay_messages_stored_total: counter('Windows and events stored since the start'),
  belay_messages_duplicate_total: counter('Windows and events that had been stored before'),
  belay_messages_refused_total: counter('Messages of devices that were not understood, by kind'),
  belay_ingest_failures_total: counter('Batches that could not be stored and were tried again'),

  belay_kills_raised: gauge('Kills on record, in force or over'),
  belay_kills_active: gauge('Kills in force, by scope'),
  belay_kill_devices: gauge('Devices that kills in force reach: acknowledged, silent though online, or offline'),
  belay_kill_stragglers: gauge('Online devices that have not acknowledged a kill 60 s after it was raised'),
  belay_kill_fault: gauge('1 while a kill could not be sent, or is not on record', 'max'),

  belay_rollouts: gauge('Rollouts by state'),
  belay_rollout_state_age_seconds: gauge('For how long a rollout that goes on has been in its state', 'max'),
  belay_rollout_stage_age_seconds: gauge('For how long it has been in its stage, by what the stage waits for', 'max'),
  belay_rollout_overdue_seconds: gauge('How long ago a running stage should have been looked at; 0 before that', 'max'),
  belay_rollout_devices: gauge('Devices of the stage of a rollout that goes on, by what they do'),
  belay_rollout_decisions_total: counter('Decisions on record, by kind'),
  belay_guardrail_verdict: gauge('1 for the verdict that a guardrail of a running stage has now', 'max'),
  belay_incidents_open: gauge('Incidents that are not closed'),

  belay_broker_up: gauge('1 while the embedded broker listens', 'max'),
  belay_broker_connections: gauge('Devices and observers that are connected'),
  belay_broker_published_total: counter('Documents published since the start'),
  belay_broker_ingested_total: counter('Messages taken from devices since the start'),
  belay_broker_queued_messages: gauge('Documents that wait for their turn'),
  belay_broker_faults_total: counter('Connections refused or ended by a guard, by reason'),

  belay_lease_answers_total: counter('Answers to devices that asked for a lease'),
  belay_last_tick_timestamp_seconds: gauge('When rollouts were last decided on, in seconds since 1970', 'max'),
  belay_database_up: gauge('1 while what devices send can be stored', 'max'),
  belay_database_read_seconds: gauge('How long the readings of this page took', 'max'),
  belay_outbox_documents: gauge('Desired documents that have not been published yet'),
  belay_outbox_oldest_seconds: gauge('Age of the oldest of them', 'max'),
  belay_audit_intact: gauge(
    '1 when every audit row carries the hash of the one before, 0 when the chain is broken',
    'max',
  ),
  belay_audit_rows: gauge('Audit rows at the last check'),
  belay_audit_checked_timestamp_seconds: gauge('When the chain was last checked, in seconds since 1970', 'max'),
  belay_disk_free_bytes: gauge('Free space of the disk that holds the data folder'),
  belay_disk_size_bytes: gauge('Size of that disk'),

  belay_webhooks: gauge('Webhooks, enabled and disabled'),
  belay_webhook_attempts_total: counter('Attempts to deliver to a webhook since the start, by outcome'),
  belay_webhook_waiting: gauge('Deliveries that wait for their first or next attempt'),
  belay_webhook_oldest_waiting_seconds: gauge('Age of the oldest of them', 'max'),

  belay_ingest_lag_seconds: histogram('From the end of a window by the clock of the device to its arrival'),
  belay_tick_duration_seconds: histogram('How long it took to decide on all rollouts'),
  belay_kill_effect_seconds: histogram('Kill received to first allowed answer, by the clock of the device'),
  belay_kill_round_trip_seconds: histogram('Kill published to its acknowledgement, of devices that were online'),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly name: MetricName; readonly labels: Labels; readonly value: number };

export function sample(name: MetricName, value: number, labels: Labels = {}): Sample {
  return { name, labels, value };
}

function gauge<C extends 'sum' | 'max' = 'sum'>(help: string, combine?: C) {
  return { kind: 'gauge', help, combine: combine ?? 'sum' } as const;
}

function counter(help: string) {
  return { kind: 'counter', help, combine: 'sum' } as const;
}

function histogram(help: string) {
  return { kind: 'histogram', help } as const;
}
