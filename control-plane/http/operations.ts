// The name of every operation in the description of the API, made from its method and address: generators of clients make
// functions of it. Pure.

/** Where the rule gives no good word. Key: method and address as registered. */
const NAMED: Readonly<Record<string, string>> = {
  'POST /v1/kills': 'kill',
  'POST /v1/rollouts': 'startRollout',
  'PUT /v1/rollouts/:id': 'editRollout',
  'POST /v1/rollouts/:id/:verb': 'actOnRollout',
  'POST /v1/rollouts/:id/revisions/:number/:verb': 'settleRevision',
  'POST /v1/rollouts/plan': 'planRollout',
  'POST /v1/releases': 'registerRelease',
  'POST /v1/releases/check': 'checkRelease',
  'POST /v1/releases/lookup': 'lookUpRelease',
  'POST /v1/releases/:digest/state': 'setReleaseState',
  'POST /v1/guardrails/test': 'testGuardrails',
  'POST /v1/rehearsals': 'startRehearsal',
  'POST /v1/drills': 'startDrill',
  'PUT /v1/artifacts/:sha256': 'uploadArtifact',
  'GET /v1/artifacts/:sha256': 'downloadArtifact',
  'POST /v1/metrics/business': 'importBusinessMetrics',
  'GET /v1/metrics/business': 'getBusinessCoverage',
  'POST /v1/devices/:site/:device/credentials': 'issueDeviceCredentials',
  'POST /v1/devices/:site/:device/lift': 'liftQuarantine',
  'POST /v1/devices/:site/:device/frame': 'askForFrame',
  'GET /v1/devices/:site/:device/frame': 'getFrame',
  'PUT /v1/devices/:site/:device/asks/:ask': 'uploadFrames',
  'POST /v1/rollouts/:id/frames': 'askForDisagreements',
  'GET /v1/rollouts/:id/frames': 'listDisagreements',
  'PUT /v1/sites/:site/policy': 'setSitePolicy',
  'POST /v1/webhooks/:id/:verb': 'actOnWebhook',
  'GET /v1/audit': 'listAudit',
  'GET /v1/audit/verify': 'verifyAudit',
};

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'replace',
  PATCH: 'change',
  DELETE: 'remove',
};

/** `GET /v1/devices/:site/:device/events` → `listDeviceEvents`. */
export function operationIdOf(method: string, url: string): string {
  const named = NAMED[`${method} ${url}`];
  if (named !== undefined) return named;
  const segments = url
    .replace(/^\/v1\//, '')
    .split('/')
    .filter(Boolean);
  const words = segments.flatMap((segment, i) => {
    if (isParameter(segment)) return [];
    return [wordOf(isParameter(segments[i + 1]) ? singular(segment) : segment)];
  });
  const last = segments.at(-1) ?? '';
  const isAct = method === 'POST' && !isParameter(last) && segments.some(isParameter);
  if (isAct) return lower(`${words.at(-1)}${words.slice(0, -1).join('')}`);
  const isList = method === 'GET' && !isParameter(last) && /[^s]s$/.test(last) && last !== 'status';
  const isOne = method === 'POST' && /[^s]s$/.test(last);
  const name = isOne ? [...words.slice(0, -1), singular(words.at(-1) ?? '')] : words;
  return `${isList ? 'list' : (VERBS[method] ?? method.toLowerCase())}${name.join('')}`;
}

function isParameter(segment: string | undefined): boolean {
  return segment?.startsWith(':') ?? false;
}

function wordOf(segment: string): string {
  return segment
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

function singular(word: string): string {
  return word.replace(/ies$/, 'y').replace(/([^s])s$/, '$1');
}

function lower(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}
