// The supervisor may open both rooms' doors without loading native inference or image code into its own process.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Native modules that a process has mapped after it imported these files of the agent. */
function nativeModulesAfter(paths: readonly string[]): string {
  const imports = paths.map((path) => new URL(`../../../agent/${path}`, import.meta.url).href);
  const script = `
    for (const path of ${JSON.stringify(imports)}) await import(path);
    const { readFileSync } = await import('node:fs');
    console.log(readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.includes('.node')).join());
  `;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.trim();
}

it('the doors of frames and inference load neither ONNX Runtime nor the image library', () => {
  expect(nativeModulesAfter(['frames/frames.ts', 'inference/inference.ts'])).toBe('');
});

it('what runs in the children does load them, so that the test above could see it', () => {
  const modules = nativeModulesAfter(['frames/preprocess.ts', 'inference/model-session.ts']);
  expect(modules).toMatch(/sharp/);
  expect(modules).toMatch(/onnxruntime/);
});
