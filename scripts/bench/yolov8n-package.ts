// A package around the YOLOv8n-sized network, as a device's factory release. Its golden set is the demo detector's: nothing
// is judged by it, only time is measured.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { writeModel } from '../models/onnx/writer.ts';
import { MODEL_PATH, readRelease, sha256Of } from '../models/release-store.ts';
import { yolov8nModel } from './yolov8n-model.ts';

const LIKE = 'cv-detector/2.0.0';
const SIDE = 320;

/** Writes the package into `folder`. */
export async function assembleYolov8n(folder: string): Promise<{ folder: string; manifest: Manifest }> {
  const model = yolov8nModel(SIDE);
  const bytes = writeModel(model);
  await assemblePackage(LIKE, folder);
  await writeFile(path.join(folder, MODEL_PATH), bytes);
  const manifest = manifestOf(readRelease(LIKE).manifest, model, bytes);
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  return { folder, manifest };
}

function manifestOf(like: Manifest, model: ReturnType<typeof yolov8nModel>, bytes: Uint8Array): Manifest {
  const [output] = model.outputs;
  const shape = (output?.dims ?? []).map(Number);
  const classes = (shape[1] ?? 4) - 4;
  return manifestSchema.parse({
    ...like,
    name: 'yolov8n-sized',
    version: '1.0.0',
    files: like.files.map((file) =>
      file.path === MODEL_PATH ? { ...file, sha256: sha256Of(bytes), bytes: bytes.length } : file,
    ),
    input: { ...like.input, shape: [1, SIDE, SIDE, 3] },
    outputs: [{ ...like.outputs[0], name: output?.name, shape }],
    labels: Array.from({ length: classes }, (_, id) => ({ id, name: `class-${id}`, critical: false })),
  });
}
