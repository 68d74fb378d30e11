// The configuration as it is in force, setting by setting, for people to read: what was said, and what is so by default. Never a
// secret: the file names files that hold them, and what stands in an address before its @ is left out.
import type { ConfigInForce } from '../shared/protocol/api-config.ts';
import { type Config, parseConfig } from './config.ts';

export function configInForce(config: Config): ConfigInForce {
  const defaults = new Map(flatten('', parseConfig({ dataDir: config.dataDir })));
  const settings = flatten('', config).map(([key, value]) => {
    // Where everything is kept was always said.
    return { key, value: withoutCredentials(value), isDefault: key !== 'dataDir' && defaults.get(key) === value };
  });
  return { settings: settings.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
}

function flatten(path: string, value: unknown): (readonly [key: string, value: string])[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  const entries = Object.entries(value);
  if (entries.length === 0) return [[path, '{}']];
  return entries.flatMap(([key, each]) => flatten(path === '' ? key : `${path}.${key}`, each));
}

function withoutCredentials(text: string): string {
  return text.replace(/(\w+:\/\/)[^/@\s]+@/g, '$1…@');
}
