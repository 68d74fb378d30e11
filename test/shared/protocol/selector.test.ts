// The grammar of `?selector=`, and which devices fit.
import { describe, expect, it } from 'vitest';
import { isSelected, parseSelector, type SelectorFacts } from '../../../shared/protocol/selector.ts';

const facts: SelectorFacts = {
  site: 'plant-a',
  device: 'cam-01',
  hw: 'orin',
  line: null,
  release: 'cv:1.2.0+data=d1',
  online: true,
};

function fits(text: string): boolean {
  const parsed = parseSelector(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return isSelected(parsed.selector, facts);
}

describe('a selector', () => {
  it.each([
    ['site=plant-a', true],
    ['site==plant-a,hw in (orin, x86-64)', true],
    ['hw!=orin', false],
    ['hw notin (nano)', true],
    ['hw not in (nano,orin)', false],
    ['online', true],
    ['!online', false],
    ['release=cv:1.2.0', true],
    ['release=cv:1.2.0+data=d1', true],
    ['release=cv:1.2', false],
    ['device=cam-01,site=plant-b', false],
    // What is not known fits nothing, neither this nor its opposite.
    ['line=1', false],
    ['line!=1', false],
  ])('%s: %s', (text, expected) => {
    expect(fits(text)).toBe(expected);
  });

  it.each([
    ['hardware=orin', 'unknown field "hardware"'],
    ['site=', 'is no clause'],
    ['site in plant-a', 'is no clause'],
    ['site in ()', 'is no name'],
    ['site=a,', 'is no clause'],
    ['site=a;drop', 'is no name'],
  ])('%s is refused: %s', (text, message) => {
    const parsed = parseSelector(text);
    expect(parsed.ok ? '' : parsed.message).toContain(message);
  });
});
