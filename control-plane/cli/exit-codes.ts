// What the exit code of `belay` says, for scripts and CI. Documented in `belay --help`.

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  forbidden: 4,
  conflict: 5,
  unreachable: 6,
  timeout: 7,
  rolledBack: 8,
  held: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'ok'],
  [EXIT.failed, 'failed'],
  [EXIT.usage, 'the command or its input is wrong'],
  [EXIT.notFound, 'not found'],
  [EXIT.forbidden, 'not signed in, or not allowed'],
  [EXIT.conflict, 'conflict: the state does not allow it, or somebody else was first'],
  [EXIT.unreachable, 'the control plane cannot be reached'],
  [EXIT.timeout, 'timed out while waiting'],
  [EXIT.rolledBack, 'the rollout was rolled back, aborted or killed'],
  [EXIT.held, 'the rollout is held: a person must look'],
];

export const EXIT_CODES_HELP = `Exit codes\n${MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}\n`;

/** The exit code for an HTTP status that is not a success. */
export function exitCodeOfStatus(status: number): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status === 401 || status === 403) return EXIT.forbidden;
  if (status === 409 || status === 412 || status === 428) return EXIT.conflict;
  if (status === 400 || status === 413 || status === 422) return EXIT.usage;
  return EXIT.failed;
}
