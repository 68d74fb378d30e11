// What each problem of the catalogue means, in a paragraph: the page behind its `type`. Every code has one.
import type { ProblemCode } from './api-problems.ts';

export const PROBLEM_WORDS: Readonly<Record<ProblemCode, string>> = {
  'not-found':
    'The address is right, but nothing has the name, id or digest in it. Names are exact; a release may be given without its data tag while only one fits.',
  'unknown-route': 'The control plane has no such address. It may be of an older version than the caller.',
  'method-not-allowed':
    'The address is there, but not with this method. The Allow header of the answer lists those that it has.',
  'invalid-request':
    'The body, the query or the path does not fit its schema, or cannot be read at all. Nothing was done. `errors` has every mistake with its path, such as `scope.site`.',
  'body-too-large':
    'Bodies are at most 1 MiB, business figures 20 MiB. Files of releases are streams and have a limit of their own (registry.artifactBytesMax).',
  'unsupported-media-type':
    'Bodies are application/json; artifacts are application/octet-stream. Plain text is refused on purpose: a page of another site could send it.',
  'sign-in-needed':
    'The control plane does not know who asks: there is no session and no token, or what was shown has ended, was revoked or is wrong. Nothing was done.',
  forbidden:
    'It is known who asks, and they lack the role that this needs on one of the sites that it touches. `detail` names the role and the sites. Devices may read their own documents and nothing else.',
  csrf: 'A browser sent the request with the cookie of a session, but not from a page that this session has loaded, or from another site. Nothing was done, so that no other page can act in the name of who is signed in.',
  'too-many-attempts':
    'Too many wrong passwords came from this address or for this name in a short time. Whoever has signed in already and API tokens are not concerned.',
  'release-refused':
    'A check of the registry failed: the manifest, a file, the contract of the model, an operator, a golden frame or the version number. `errors` lists every finding that refuses it.',
  'release-taken':
    'This name and version belong to another content. Releases never change, so other bytes need another number.',
  'ambiguous-reference':
    'A release was named without its data tag (`name:1.2.3`), and several fit. `detail` lists them.',
  'artifact-mismatch':
    'The SHA-256 of the bytes that came is not the one in the address. They were broken on the way or are another file; nothing was kept.',
  'range-not-satisfiable':
    'The Range header asks for bytes behind the end of the file; the answer says how many there are.',
  'storage-full':
    'The disk of the control plane is full. Kills still go out. Nothing else can be stored until there is space.',
  conflict:
    'What was asked does not fit the state that the thing is in: it has ended, is going back, waits for something else, or another rule outranks it. `detail` says which.',
  'pictures-off':
    'Devices give pictures only where the policy of their site says so, and no site does from the start. An agent may also be configured to give none (pictures: never), whatever its site says.',
  'device-away':
    'A picture is taken when somebody asks for it, so the device has to be connected, and its agent new enough to know the question. Nothing is queued for later.',
  'too-many-kills':
    'A hundred kills are in force on this topic, and no document of devices can hold more. A kill of the whole fleet is always taken.',
  'kill-not-sent':
    'The kill is in force and kept, but the broker did not take it yet. It is sent again every few seconds, also after a restart.',
  'precondition-required':
    'Changes that go forward say which version they are meant for, so that two people do not act on different pictures. Reading gives an ETag; it is sent back as If-Match. Kills, re-arming and going back need none.',
  'precondition-failed':
    'Somebody or the control plane itself moved it after it was read. Nothing was done. `detail` says what it is now, `etag` is its present version.',
  'key-reused':
    'An Idempotency-Key names one act for 24 hours. It came again with another address or body, which would be another act. Nothing was done.',
  'in-flight': 'A request with the same Idempotency-Key has not been answered yet. It was not done a second time.',
  'outcome-unknown':
    'A request with this Idempotency-Key came before, and its answer cannot be given again: the control plane ended or failed in the middle of it, or the answer held a secret that is shown once. It was not done a second time.',
  'no-dry-run':
    'With dryRun=true nothing may be written, and nobody can say ahead what this would do. It was refused rather than done.',
  unavailable:
    'A part that this needs does not answer: the database, the broker, or a calculation in a process of its own. What was asked was not done.',
  internal:
    'The control plane failed in a way that nobody has foreseen. `requestId` is in its log beside the cause. Whether something was done is not known: look before asking again.',
};
