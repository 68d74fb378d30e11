// Opens a workspace, says where it lies, and waits to be interrupted.
import { setTimeout as wait } from 'node:timers/promises';
import { withWorkspace } from '../../../../scripts/bench/workspace.ts';

await withWorkspace(async ({ folder, ringFolder, defer, hold }) => {
  defer(() => {
    process.stdout.write('"deferred"\n');
  });
  const held = hold(wait(300).then(() => process.stdout.write('"held work has ended"\n')));
  process.stdout.write(`${JSON.stringify([folder, ringFolder])}\n`);
  await held;
  await wait(60_000);
});
