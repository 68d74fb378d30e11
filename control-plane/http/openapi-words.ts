// What people read in the description of the API: the conventions in a paragraph, tags, and examples of bodies.

export const API_TITLE = 'Belay control plane';

export const API_DESCRIPTION = `Stages a vision model up a fleet of devices, and takes it back.

- **Errors** are \`application/problem+json\` (RFC 9457): \`type\` leads to what it means, \`fix\` says what to do, \`errors\` lists every mistake with its path.
- **Repeating**: send an \`Idempotency-Key\` with what changes something. The same key with the same body is the same act for 24 hours and gets the same answer (\`idempotent-replayed: true\`); with another body it is refused (422), while the first is being answered too (409). A kill needs none: the same scope is the same kill.
- **Versions**: what is read has an \`ETag\`. What goes forward (resume, approve, promote, edit, archive, pin, undrain, retire) needs it as \`If-Match\` (428 without, 412 when it has changed); \`*\` means whatever it is now. Kill, re-arm and going back need none. \`If-None-Match\` gets 304.
- **Lists** come in pages: \`?limit=\`, \`nextCursor\` → \`?cursor=\`, \`?fields=id,state\`. Entries that come meanwhile move nothing.
- **Trying**: \`?dryRun=true\` says what would happen and writes nothing.
- **Times** are milliseconds since 1970, UTC; units stand at the end of names.`;

export const API_TAGS: readonly { readonly name: string; readonly description: string }[] = [
  { name: 'artifacts', description: 'Files by their SHA-256: upload once, download with ranges.' },
  { name: 'audit', description: 'Who did what, when and why: the chain of records, its check, its export.' },
  { name: 'devices', description: 'What devices shall run, what they say they run, and why.' },
  { name: 'drills', description: 'Rehearsals of a failure: on a simulated fleet, or on chosen devices.' },
  { name: 'foresight', description: 'Looking ahead with windows that were recorded.' },
  { name: 'identity', description: 'Who somebody is, and what that allows where: accounts, sessions, tokens.' },
  { name: 'incidents', description: 'What happened at a hold, a kill or a rollback, with evidence.' },
  { name: 'kills', description: 'Taking what is on trial off, now, and measuring who obeyed.' },
  { name: 'live', description: 'The fleet as it is now, and a stream of what changes.' },
  { name: 'metrics', description: 'Figures that people bring in.' },
  { name: 'pictures', description: 'What devices see, on demand: off until an admin of the site turns it on.' },
  { name: 'releases', description: 'The registry: immutable releases of models.' },
  { name: 'reports', description: 'What was shown, where, and how sure it is.' },
  { name: 'rollouts', description: 'Moving devices from a baseline to a candidate, stage by stage.' },
  { name: 'system', description: 'The control plane itself: status, health, trust, configuration.' },
  { name: 'webhooks', description: 'Who is told of what happens, and how that went.' },
];

const WORDS = { actor: 'ana', reason: 'scratches are missed on line 3' };

/** By operation; each fits the schema of its body. */
export const BODY_EXAMPLES: Readonly<Record<string, unknown>> = {
  kill: { scope: { kind: 'site', site: 'plant-a' }, ...WORDS },
  rearmKill: { actor: 'ana', reason: 'the lamp was changed' },
  lookUpRelease: { reference: 'weld-detector:2.1.0' },
  setReleaseState: { state: 'withdrawn', ...WORDS },
  annotateIncident: {
    actor: 'ana',
    text: 'NMS ran on the CPU of the old modules',
    rollForward: '2.1.1 with NMS on the GPU',
  },
  actOnRollout: WORDS,
  settleRevision: { actor: 'ben', reason: 'agreed in the review' },
  startDrill: { failure: 'slow', simulated: { devices: 200, seed: 1 }, actor: 'ana', reason: 'game day' },
  liftQuarantine: { release: 'weld-detector:2.1.0', actor: 'ana', reason: 'more memory since' },
};
