// The limit of a cold swap: a process that loads ONNX Runtime, makes the session and runs it once on one frame, and says
// so. Nothing else is imported. Run by swap-cold.ts; not for import.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model = '', input = '', shapeText = ''] = process.argv.slice(2);
const shape = shapeText.split(',').map(Number);
const session = await InferenceSession.create(readFileSync(model), {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const bytes = shape.reduce((product, side) => product * side, 1);
await session.run({ [input]: new Tensor('uint8', new Uint8Array(bytes).fill(114), shape) });
process.stdout.write('ran\n');
