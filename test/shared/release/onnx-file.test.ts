// The ONNX reader on models written here, on every committed release, and on broken bytes.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hanging } from '../../../scripts/models/faults.ts';
import { floatTensor, type Model } from '../../../scripts/models/onnx/model.ts';
import { readModel } from '../../../scripts/models/onnx/reader.ts';
import { writeModel } from '../../../scripts/models/onnx/writer.ts';
import { RELEASES_DIR } from '../../../scripts/models/release-store.ts';
import { tensorBytes } from '../../../shared/release/onnx-data-types.ts';
import { listOnnxNodes, listOnnxTensors, OnnxFileError, readOnnxFile } from '../../../shared/release/onnx-file.ts';

const small: Model = {
  opset: 13,
  irVersion: 8,
  producer: 'test',
  metadata: { names: '["a","b"]', task: 'detect' },
  inputs: [{ name: 'x', dtype: 'uint8', dims: [1, 4, 'width', 3] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: null }],
  initializers: [floatTensor('w', [1, -2, 3])],
  nodes: [
    { op: 'Cast', inputs: ['x'], outputs: ['f'], attributes: { to: 1 } },
    { op: 'Special', inputs: ['f', 'w'], outputs: ['y'], domain: 'com.example', attributes: { alpha: { float: 0.5 } } },
  ],
};

const detector = readFileSync(`${RELEASES_DIR}/cv-detector/2.0.0/model.onnx`);

describe('readOnnxFile', () => {
  it('reads ports, nodes, domains, opset and metadata', () => {
    const file = readOnnxFile(writeModel(small));
    expect(file.opset).toBe(13);
    expect(file.opsets).toEqual({ '': 13, 'com.example': 1 });
    expect(file.metadata).toEqual({ names: '["a","b"]', task: 'detect' });
    expect(file.producer).toBe('test');
    expect(file.graph.inputs).toEqual([{ name: 'x', dtype: 'uint8', shape: [1, 4, 'width', 3] }]);
    expect(file.graph.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: null }]);
    expect(file.graph.nodes.map((node) => [node.domain, node.op])).toEqual([
      ['', 'Cast'],
      ['com.example', 'Special'],
    ]);
    expect(file.graph.initializers).toEqual([
      { name: 'w', dtype: 'float32', dims: [3], declaredBytes: 12, storedBytes: 12, external: null },
    ]);
  });

  it('reads the contract of a trained release', () => {
    const { graph, metadata } = readOnnxFile(detector);
    expect(graph.inputs).toEqual([{ name: 'image_u8', dtype: 'uint8', shape: [1, 256, 256, 3] }]);
    expect(graph.outputs).toEqual([{ name: 'output0', dtype: 'float32', shape: [1, 8, 1024] }]);
    expect(JSON.parse(metadata.names ?? '')).toEqual(['scratch', 'dent', 'micro-crack', 'spill']);
  });

  it('sees operators inside subgraphs', () => {
    const file = readOnnxFile(hanging(detector));
    const loop = file.graph.nodes.find((node) => node.op === 'Loop');
    expect(loop?.subgraphs[0]?.nodes.map((node) => node.op)).toEqual(['Identity', 'Add']);
    expect(listOnnxNodes(file).length).toBe(file.graph.nodes.length + 2);
  });

  it('names weights outside the file, in attributes too', () => {
    const external = message(
      bytesField(8, 'weights'),
      varintField(2, 1),
      bytesField(13, entry('location', '../../etc/passwd')),
    );
    const node = message(bytesField(4, 'Constant'), bytesField(5, message(bytesField(5, external))));
    const file = readOnnxFile(message(bytesField(7, message(bytesField(1, node)))));
    expect(listOnnxTensors(file).map((tensor) => tensor.external)).toEqual(['../../etc/passwd']);
  });

  it('sees nodes of local functions', () => {
    const body = message(bytesField(1, 'f'), bytesField(10, 'local'), bytesField(7, message(bytesField(4, 'Loop'))));
    const file = readOnnxFile(message(bytesField(7, message()), bytesField(25, body)));
    expect(listOnnxNodes(file).map((node) => node.op)).toEqual(['Loop']);
  });

  it('refuses graphs nested without end', () => {
    let graph = message();
    for (let depth = 0; depth < 40; depth++) {
      graph = message(bytesField(1, message(bytesField(4, 'If'), bytesField(5, message(bytesField(6, graph))))));
    }
    expect(codeOf(message(bytesField(7, graph)))).toBe('onnx-too-deep');
  });

  it('refuses a file of endless parts', () => {
    const many = new Uint8Array(1_200_000).fill(0);
    for (let i = 0; i < many.length; i += 2) many[i] = (1 << 3) | 2;
    expect(codeOf(message(bytesField(7, many)))).toBe('onnx-too-large');
  });

  it('refuses bytes that are no model', () => {
    expect(codeOf(new Uint8Array(0))).toBe('onnx-not-a-model');
    expect(codeOf(new Uint8Array(5000).fill(7))).toBe('onnx-malformed');
    expect(codeOf(new TextEncoder().encode('<html>not found</html>'))).toBe('onnx-malformed');
  });

  it('answers or throws OnnxFileError for every truncation', () => {
    const whole = writeModel(small);
    for (let length = 0; length < whole.length; length++) expectReadableOrTyped(whole.subarray(0, length));
  });

  it('answers or throws OnnxFileError for random flips and noise', () => {
    const whole = writeModel(small);
    const flips = fc.array(fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = whole.slice();
        for (const { at, to } of changes) bytes[at] = to;
        expectReadableOrTyped(bytes);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectReadableOrTyped), { numRuns: 500 });
  });
});

describe('writeModel and readModel', () => {
  it('give the same model and the same bytes back', () => {
    const bytes = writeModel(small);
    const again = readModel(bytes);
    expect(again.nodes[1]).toMatchObject({
      op: 'Special',
      domain: 'com.example',
      attributes: { alpha: { float: 0.5 } },
    });
    expect(writeModel(again)).toEqual(bytes);
  });

  it('give a committed release back byte for byte', () => {
    expect(Buffer.from(writeModel(readModel(detector))).equals(detector)).toBe(true);
  });

  it('refuse to drop what they do not know', () => {
    const attribute = message(bytesField(1, 'x'), varintField(20, 9));
    const node = message(bytesField(4, 'Odd'), bytesField(5, attribute));
    expect(() => readModel(message(bytesField(7, message(bytesField(1, node)))))).toThrow(OnnxFileError);
  });
});

describe('tensorBytes', () => {
  it('counts packed and empty tensors', () => {
    expect(tensorBytes('float32', [2, 3])).toBe(24);
    expect(tensorBytes('int4', [3])).toBe(2);
    expect(tensorBytes('float32', [0, 9])).toBe(0);
    expect(tensorBytes('int64', [])).toBe(8);
    expect(tensorBytes('float32', [-1, 4])).toBe(0);
  });
});

function codeOf(bytes: Uint8Array): string {
  try {
    readOnnxFile(bytes);
    return 'readable';
  } catch (error) {
    if (error instanceof OnnxFileError) return error.code;
    throw error;
  }
}

function expectReadableOrTyped(bytes: Uint8Array): void {
  const code = codeOf(bytes);
  expect(['readable', 'onnx-malformed', 'onnx-not-a-model', 'onnx-too-deep', 'onnx-too-large']).toContain(code);
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varintField(number: number, value: number): Uint8Array {
  return Uint8Array.from([...varint((number << 3) | 0), ...varint(value)]);
}

function bytesField(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(content as Uint8Array);
  return Buffer.concat([Uint8Array.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
}

function entry(key: string, value: string): Uint8Array {
  return message(bytesField(1, key), bytesField(2, value));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}
