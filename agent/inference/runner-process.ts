// The runner: one process, one release, one session. Everything a model can crash, hang or bloat happens here. Run by
// runner.ts; not for import.
import { Worker } from 'node:worker_threads';

// First of all, so that it is there when the model is: this thread is blocked while it reads its modules and the model.
const link = new Worker(new URL('./link-thread.ts', import.meta.url));
const { runModel } = await import('./model-thread.ts');
await runModel(link);
