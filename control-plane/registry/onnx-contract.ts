// Does the ONNX file do what the manifest says, and nothing we do not allow? Pure: facts of the file in, findings out.
import type { Finding } from '../../shared/protocol/api-releases.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { listOnnxNodes, listOnnxTensors, type OnnxFile, type OnnxValue } from '../../shared/release/onnx-file.ts';
import { readOnnxNames } from '../../shared/release/onnx-names.ts';

export type OperatorPolicy = {
  /** Operators outside the rule that a person has approved, as `Loop` or `com.microsoft/QLinearAdd`. */
  readonly approvedOperators: readonly string[];
  /** Bytes that all tensors together may ask for. */
  readonly tensorBytesMax: number;
};

/** Control flow can hang a runner for ever: a 426-byte Loop did. */
const REFUSED_OPERATORS: ReadonlySet<string> = new Set(['Loop', 'Scan', 'If']);

export function judgeOnnxFile(manifest: Manifest, file: OnnxFile, policy: OperatorPolicy): readonly Finding[] {
  const contract = [...judgeInputs(manifest, file), ...judgeOutputs(manifest, file), ...judgeLabels(manifest, file)];
  const operators = [...judgeOperators(file, policy), ...judgeTensors(file, policy), ...judgeOpset(manifest, file)];
  return [
    ...orFine('contract', contract, 'inputs, outputs, dtypes and shapes are as declared'),
    ...orFine('operators', operators, `${listOnnxNodes(file).length} operators, all allowed; no external data`),
  ];
}

function orFine(check: Finding['check'], findings: readonly Finding[], message: string): readonly Finding[] {
  return findings.length > 0 ? findings : [{ check, ok: true, path: '', message }];
}

function judgeInputs(manifest: Manifest, file: OnnxFile): readonly Finding[] {
  const weights = new Set(file.graph.initializers.map((tensor) => tensor.name));
  const inputs = file.graph.inputs.filter((input) => !weights.has(input.name));
  const declared = { ...manifest.input, path: 'input' };
  const actual = inputs.find((input) => input.name === declared.name);
  if (!actual) return [wrong('input.name', `the file has no input "${declared.name}"; it has ${names(inputs)}`)];
  const others = inputs.filter((input) => input !== actual);
  const extra = others.map((other) => wrong('input', `the file also wants an input "${other.name}"; only one is fed`));
  return [...compareValue(declared, actual), ...extra];
}

function judgeOutputs(manifest: Manifest, file: OnnxFile): readonly Finding[] {
  const findings = manifest.outputs.flatMap((output, index) => {
    const actual = file.graph.outputs.find((value) => value.name === output.name);
    const path = `outputs.${index}`;
    if (!actual) {
      return [wrong(`${path}.name`, `the file has no output "${output.name}"; it has ${names(file.graph.outputs)}`)];
    }
    return compareValue({ ...output, path }, actual);
  });
  const declared = new Set(manifest.outputs.map((output) => output.name));
  const extra = file.graph.outputs
    .filter((output) => !declared.has(output.name))
    .map((output) => wrong('outputs', `the file also answers "${output.name}", which is not declared`));
  return [...findings, ...extra];
}

type Declared = {
  readonly path: string;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
};

function compareValue(declared: Declared, actual: OnnxValue): readonly Finding[] {
  const findings: Finding[] = [];
  if (actual.dtype !== declared.dtype) {
    findings.push(
      wrong(`${declared.path}.dtype`, `declared ${declared.dtype}, the file has ${actual.dtype ?? 'none'}`),
    );
  }
  if (!fits(declared.shape, actual.shape)) {
    const shown = actual.shape?.map((dim) => dim ?? '?').join('×') ?? 'none';
    findings.push(wrong(`${declared.path}.shape`, `declared ${declared.shape.join('×')}, the file has ${shown}`));
  }
  return findings;
}

/** A symbolic or unknown dimension fits any number: the runner fixes it to the declared one. */
function fits(declared: readonly number[], actual: OnnxValue['shape']): boolean {
  if (actual === null || actual.length !== declared.length) return false;
  return actual.every((dim, index) => typeof dim !== 'number' || dim === declared[index]);
}

/** Exporters write the class names into the file: when they are there and in another order, one of the two is wrong. */
function judgeLabels(manifest: Manifest, file: OnnxFile): readonly Finding[] {
  const inFile = readOnnxNames(file.metadata['belay.names'] ?? file.metadata.names);
  const declared = manifest.labels.map((label) => label.name);
  if (inFile === null || inFile.length !== declared.length) return [];
  const differs = declared.findIndex((name, index) => inFile[index] !== name);
  if (differs < 0) return [];
  return [
    wrong(
      `labels.${differs}.name`,
      `declared "${declared[differs]}", the file says class ${differs} is "${inFile[differs]}"`,
    ),
  ];
}

function judgeOperators(file: OnnxFile, policy: OperatorPolicy): readonly Finding[] {
  const refused = new Map<string, string>();
  for (const node of listOnnxNodes(file)) {
    const operator = node.domain === '' ? node.op : `${node.domain}/${node.op}`;
    if (policy.approvedOperators.includes(operator)) continue;
    if (node.domain !== '') refused.set(operator, `operator ${operator} is of a custom domain`);
    else if (REFUSED_OPERATORS.has(node.op)) refused.set(operator, `operator ${operator} can run for ever`);
  }
  return [...refused.values()].map((message) =>
    unsafe(`${message}; approve it by name in the configuration or remove it`),
  );
}

function judgeTensors(file: OnnxFile, policy: OperatorPolicy): readonly Finding[] {
  const tensors = listOnnxTensors(file);
  const external = tensors.filter((tensor) => tensor.external !== null);
  const declaredBytes = tensors.reduce((sum, tensor) => sum + tensor.declaredBytes, 0);
  const findings = external.slice(0, 3).map((tensor) => {
    return unsafe(`tensor "${tensor.name}" lies outside the file (${tensor.external}); save the model as one file`);
  });
  if (declaredBytes <= policy.tensorBytesMax) return findings;
  return [...findings, unsafe(`its tensors ask for ${declaredBytes} bytes > ${policy.tensorBytesMax}`)];
}

function judgeOpset(manifest: Manifest, file: OnnxFile): readonly Finding[] {
  const [least, most] = manifest.runtime.opset;
  if (file.opset !== null && file.opset >= least && file.opset <= most) return [];
  const message = `the file is of opset ${file.opset ?? 'none'}, declared ${least} to ${most}`;
  return [{ check: 'operators', ok: false, path: 'runtime.opset', message }];
}

function names(values: readonly OnnxValue[]): string {
  return values.length === 0 ? 'none' : values.map((value) => `"${value.name}"`).join(', ');
}

function wrong(path: string, message: string): Finding {
  return { check: 'contract', ok: false, path, message };
}

function unsafe(message: string): Finding {
  return { check: 'operators', ok: false, path: 'files', message };
}
