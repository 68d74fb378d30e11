// Holds what a loaded model says of itself against what its manifest promised: names, types and static shapes. Pure.
// A default export can slip in a float64 output or a symbolic batch; only this comparison finds it.
import type { Manifest } from '../../shared/release/manifest.ts';

/** The part of ONNX Runtime's metadata that is compared. */
export type PortMetadata = {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
};

type Promise = { readonly name: string; readonly dtype: string; readonly shape: readonly number[] };

/** The first difference, with both values; null when the model is what the manifest promised. */
export function contractMismatch(
  manifest: Manifest,
  inputs: readonly PortMetadata[],
  outputs: readonly PortMetadata[],
): string | null {
  return compare('input', [manifest.input], inputs) ?? compare('output', manifest.outputs, outputs);
}

function compare(side: string, promised: readonly Promise[], actual: readonly PortMetadata[]): string | null {
  if (promised.length !== actual.length)
    return `${side}s: the manifest says ${names(promised)}, the model has ${names(actual)}`;
  for (const port of promised) {
    const found = actual.find((candidate) => candidate.name === port.name);
    if (!found) return `${side}s: the manifest says ${names(promised)}, the model has ${names(actual)}`;
    const wanted = describe(port.dtype, port.shape);
    const has = describe(found.type ?? 'no tensor', found.shape ?? []);
    if (wanted !== has) return `${side} ${port.name}: the manifest says ${wanted}, the model has ${has}`;
  }
  return null;
}

function names(ports: readonly { readonly name: string }[]): string {
  return ports.map((port) => port.name).join(', ') || 'none';
}

function describe(type: string, shape: readonly (number | string)[]): string {
  return `${type} [${shape.join(', ')}]`;
}
