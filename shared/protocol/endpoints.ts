// Every request that the HTTP API answers: method and address, what it takes and what it answers. Types alone, so that a client
// carries no schema; a test holds every row against the routes that are registered.
import type { z } from 'zod';
import type * as signing from '../signing/signed-document.ts';
import type * as config from './api-config.ts';
import type * as series from './api-device-windows.ts';
import type * as devices from './api-devices.ts';
import type * as drills from './api-drills.ts';
import type * as duty from './api-duty.ts';
import type * as foresight from './api-foresight.ts';
import type * as identity from './api-identity.ts';
import type * as incidents from './api-incidents.ts';
import type * as killPage from './api-kill-page.ts';
import type * as kills from './api-kills.ts';
import type * as live from './api-live.ts';
import type * as metrics from './api-metrics.ts';
import type * as paging from './api-paging.ts';
import type * as pictures from './api-pictures.ts';
import type * as releases from './api-releases.ts';
import type * as reports from './api-reports.ts';
import type * as revisions from './api-revisions.ts';
import type * as arms from './api-rollout-arms.ts';
import type * as charts from './api-rollout-charts.ts';
import type * as rollouts from './api-rollouts.ts';
import type * as status from './api-status.ts';
import type * as webhooks from './api-webhooks.ts';

/** A schema, or the content type of what is no JSON. `query` and `body` are left out where there is none. */
export type Endpoints = {
  'GET /metrics': { answer: 'text/plain' };
  'GET /v1/accounts': { answer: typeof identity.accountListSchema };
  'POST /v1/accounts': { body: typeof identity.accountCreateBodySchema; answer: typeof identity.accountSchema };
  'GET /v1/accounts/:name': { answer: typeof identity.accountSchema };
  'PATCH /v1/accounts/:name': { body: typeof identity.accountChangeBodySchema; answer: typeof identity.accountSchema };
  'PUT /v1/artifacts/:sha256': { body: 'application/octet-stream'; answer: typeof releases.artifactSchema };
  'GET /v1/artifacts/:sha256': { answer: 'application/octet-stream' };
  'GET /v1/audit': { query: typeof status.auditQuerySchema; answer: typeof status.auditListSchema };
  'GET /v1/audit/export': { answer: 'application/x-ndjson' };
  'GET /v1/audit/verify': { query: typeof status.auditAnchorQuerySchema; answer: typeof status.auditCheckSchema };
  'GET /v1/config': { answer: typeof config.configInForceSchema };
  'GET /v1/devices': { query: typeof devices.deviceListQuerySchema; answer: typeof devices.deviceListSchema };
  'GET /v1/devices/:site/:device': { answer: typeof devices.deviceSchema };
  'POST /v1/devices/:site/:device/credentials': { answer: typeof devices.credentialsSchema };
  'PUT /v1/devices/:site/:device/asks/:ask': {
    body: typeof pictures.pictureUploadSchema;
    answer: typeof pictures.uploadTakenSchema;
  };
  'GET /v1/devices/:site/:device/documents': { answer: typeof devices.deviceDocumentsSchema };
  'GET /v1/devices/:site/:device/events': {
    query: typeof devices.deviceEventsQuerySchema;
    answer: typeof devices.deviceEventsSchema;
  };
  'GET /v1/devices/:site/:device/explain': { answer: typeof devices.explainSchema };
  'POST /v1/devices/:site/:device/:verb': { body: typeof duty.dutyBodySchema; answer: typeof duty.dutyAnswerSchema };
  'POST /v1/devices/:site/:device/frame': {
    body: typeof pictures.frameAskBodySchema;
    answer: typeof pictures.framesAnswerSchema;
  };
  'GET /v1/devices/:site/:device/frame': { answer: typeof pictures.framesAnswerSchema };
  'POST /v1/devices/:site/:device/lift': { body: typeof devices.liftBodySchema; answer: typeof devices.liftedSchema };
  'GET /v1/devices/:site/:device/windows': {
    query: typeof series.deviceWindowsQuerySchema;
    answer: typeof series.deviceWindowsSchema;
  };
  'POST /v1/drills': { body: typeof drills.drillStartBodySchema; answer: typeof drills.drillSchema };
  'GET /v1/drills': { query: typeof paging.pageQuerySchema; answer: typeof drills.drillListSchema };
  'GET /v1/drills/:id': { answer: typeof drills.drillSchema };
  'GET /v1/events': { query: typeof live.liveQuerySchema; answer: 'text/event-stream' };
  'POST /v1/guardrails/test': {
    body: typeof foresight.guardrailTestBodySchema;
    answer: typeof foresight.guardrailTestSchema;
  };
  'GET /v1/health': { answer: typeof status.healthSchema };
  'GET /v1/incidents': { query: typeof incidents.incidentListQuerySchema; answer: typeof incidents.incidentListSchema };
  'GET /v1/incidents/:id': { answer: typeof incidents.incidentSchema };
  'POST /v1/incidents/:id/annotate': {
    body: typeof incidents.annotateBodySchema;
    answer: typeof incidents.incidentSchema;
  };
  'GET /v1/incidents/:id/export': { query: typeof incidents.exportQuerySchema; answer: 'text/markdown' };
  'GET /v1/kill-choices': { answer: typeof killPage.killChoicesSchema };
  'POST /v1/kills': { body: typeof kills.killBodySchema; answer: typeof kills.killSchema };
  'GET /v1/kills': { query: typeof paging.pageQuerySchema; answer: typeof kills.killListSchema };
  'GET /v1/kills/:id': { answer: typeof kills.killSchema };
  'GET /v1/kills/:id/progress': { answer: typeof killPage.killProgressSchema };
  'POST /v1/kills/:id/rearm': { body: typeof kills.rearmBodySchema; answer: typeof kills.killSchema };
  'GET /v1/live': { answer: typeof live.liveSnapshotSchema };
  'GET /v1/manifests/:digest': { answer: 'application/json' };
  'POST /v1/metrics/business': { body: typeof metrics.importBodySchema; answer: typeof metrics.importAnswerSchema };
  'GET /v1/metrics/business': { answer: typeof metrics.coverageListSchema };
  'POST /v1/rehearsals': { body: typeof foresight.rehearsalBodySchema; answer: typeof foresight.rehearsalSchema };
  'GET /v1/rehearsals/:id': { answer: typeof foresight.rehearsalSchema };
  'POST /v1/rehearsals/:id/stop': { answer: typeof foresight.rehearsalSchema };
  'POST /v1/releases': { body: typeof releases.registerBodySchema; answer: typeof releases.registeredSchema };
  'GET /v1/releases': { query: typeof releases.releaseListQuerySchema; answer: typeof releases.releaseListSchema };
  'POST /v1/releases/:digest/state': {
    body: typeof releases.releaseStateBodySchema;
    answer: typeof releases.releaseSchema;
  };
  'GET /v1/releases/:reference': { answer: typeof releases.releaseSchema };
  'GET /v1/releases/:reference/report': {
    query: typeof reports.reportQuerySchema;
    answer: typeof reports.releaseReportSchema;
  };
  'POST /v1/releases/check': { body: typeof releases.registerBodySchema; answer: typeof releases.checkReportSchema };
  'POST /v1/releases/lookup': { body: typeof releases.lookupBodySchema; answer: typeof releases.releaseSchema };
  'POST /v1/rollouts': { body: typeof rollouts.rolloutStartBodySchema; answer: typeof rollouts.rolloutViewSchema };
  'GET /v1/rollouts': { query: typeof rollouts.rolloutListQuerySchema; answer: typeof rollouts.rolloutListSchema };
  'GET /v1/rollouts/:id': { answer: typeof rollouts.rolloutViewSchema };
  'PUT /v1/rollouts/:id': {
    body: typeof revisions.rolloutEditBodySchema;
    answer: typeof revisions.rolloutEditedSchema;
  };
  'POST /v1/rollouts/:id/:verb': {
    body: typeof rollouts.rolloutActBodySchema;
    answer: typeof rollouts.rolloutViewSchema;
  };
  'GET /v1/rollouts/:id/archive': { answer: typeof reports.archiveSchema };
  'GET /v1/rollouts/:id/arms': { answer: typeof arms.rolloutArmsSchema };
  'GET /v1/rollouts/:id/course': { answer: typeof charts.rolloutCourseSchema };
  'GET /v1/rollouts/:id/evidence': {
    query: typeof charts.rolloutEvidenceQuerySchema;
    answer: typeof charts.rolloutEvidenceSchema;
  };
  'POST /v1/rollouts/:id/frames': {
    body: typeof pictures.frameAskBodySchema;
    answer: typeof pictures.rolloutFramesSchema;
  };
  'GET /v1/rollouts/:id/frames': { answer: typeof pictures.rolloutFramesSchema };
  'GET /v1/rollouts/:id/report': {
    query: typeof reports.reportQuerySchema;
    answer: typeof reports.rolloutReportSchema;
  };
  'POST /v1/rollouts/:id/revisions/:number/:verb': {
    body: typeof revisions.revisionActBodySchema;
    answer: typeof revisions.rolloutEditedSchema;
  };
  'GET /v1/rollouts/:id/why': { answer: typeof rollouts.rolloutWhySchema };
  'POST /v1/rollouts/plan': { body: typeof rollouts.rolloutPlanBodySchema; answer: typeof rollouts.rolloutPlanSchema };
  'POST /v1/session': { body: typeof identity.signInBodySchema; answer: typeof identity.sessionSchema };
  'GET /v1/session': { answer: typeof identity.sessionSchema };
  'DELETE /v1/session': { answer: typeof identity.signedOutSchema };
  'POST /v1/session/link': { answer: typeof identity.linkSchema };
  'PUT /v1/session/password': { body: typeof identity.passwordBodySchema; answer: typeof identity.sessionSchema };
  'GET /v1/sites/:site/policy': { answer: typeof pictures.sitePolicySchema };
  'PUT /v1/sites/:site/policy': {
    body: typeof pictures.sitePolicyBodySchema;
    answer: typeof pictures.sitePolicySchema;
  };
  'GET /v1/status': { answer: typeof status.statusReportSchema };
  'POST /v1/tokens': { body: typeof identity.tokenCreateBodySchema; answer: typeof identity.tokenCreatedSchema };
  'GET /v1/tokens': { query: typeof identity.tokenListQuerySchema; answer: typeof identity.tokenListSchema };
  'DELETE /v1/tokens/:id': { answer: typeof identity.tokenSchema };
  'GET /v1/trust': { answer: typeof signing.keySetSchema };
  'GET /v1/webhooks': { answer: typeof webhooks.webhookListSchema };
  'POST /v1/webhooks': { body: typeof webhooks.webhookCreateBodySchema; answer: typeof webhooks.webhookCreatedSchema };
  'POST /v1/webhooks/:id/:verb': { body: typeof webhooks.webhookActBodySchema; answer: typeof webhooks.webhookSchema };
  'GET /v1/webhooks/:id/deliveries': {
    query: typeof webhooks.deliveryQuerySchema;
    answer: typeof webhooks.deliveryListSchema;
  };
  'POST /v1/webhooks/:id/deliveries/:delivery/redeliver': { answer: typeof webhooks.deliverySchema };
  'POST /v1/webhooks/:id/test': { answer: typeof webhooks.deliverySchema };
};

/** Method and address, as it is registered. */
export type Route = keyof Endpoints;

/** What is answered, as it is read from JSON; text where it is none. */
export type AnswerOf<R extends Route> = Endpoints[R]['answer'] extends z.ZodType<infer Answer> ? Answer : string;

/** What may be sent with it. */
export type BodyOf<R extends Route> = Endpoints[R] extends { readonly body: infer Body } ? Sent<Body> : undefined;

/** What fills its address: every parameter of the path, and those of the query that are wanted. */
export type ValuesOf<R extends Route> = ParametersOf<R> & QueryOf<R>;

type Sent<Body> = Body extends z.ZodType ? z.input<Body> : Uint8Array;

type ParametersOf<Text extends string> = Text extends `${infer Head}/${infer Rest}`
  ? ParametersOf<Head> & ParametersOf<Rest>
  : Text extends `:${infer Name}`
    ? { readonly [Key in Name]: string | number }
    : unknown;

type QueryOf<R extends Route> = Endpoints[R] extends { readonly query: infer Query extends z.ZodType }
  ? { readonly [Name in keyof Declared<z.input<Query>>]?: string | number | boolean | null | undefined }
  : unknown;

/** Schemas let further members pass; a client has no business with those. */
type Declared<T> = { readonly [Name in keyof T as string extends Name ? never : Name]: T[Name] };
