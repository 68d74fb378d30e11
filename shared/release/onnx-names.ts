// The class names that exporters write into a model file. Pure.

/** A JSON list, a JSON object by class number, or the same as written by Python. Null when it is none of them. */
export function readOnnxNames(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  const json = text.replaceAll("'", '"').replaceAll(/([{,]\s*)(\d+)\s*:/g, '$1"$2":');
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== 'object' || value === null) return null;
    const list: unknown[] = Array.isArray(value) ? value : Object.values(value);
    return list.every((item) => typeof item === 'string') ? list : null;
  } catch {
    return null; // a free text under that key is no claim about classes
  }
}
