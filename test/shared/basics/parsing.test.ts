// Foreign bytes at the door: what is refused, with its path, and that nothing in them can take the process down.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeProblems, parseJson } from '../../../shared/basics/parsing.ts';

const schema = z.looseObject({ name: z.string(), sizes: z.array(z.number()).optional() });

describe('parseJson', () => {
  it('lists every mistake with its path', () => {
    const parsed = parseJson(schema, '{"name":5,"sizes":[1,"2"]}');
    expect(parsed.ok ? '' : describeProblems(parsed.problems)).toMatch(/^name: .*string.*; sizes\.1: .*number/);
  });

  it('says of text that is not JSON where it stops being JSON', () => {
    expect(parseJson(schema, '{"name":')).toMatchObject({ ok: false, problems: [{ path: '' }] });
  });

  it.each(['[', '{"a":'])('refuses 100,000 times %j, also where nobody knows the field', (open) => {
    const close = open === '[' ? ']' : '}';
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    const refused = { ok: false, problems: [{ path: '', message: 'is nested deeper than 64 levels' }] };
    expect(parseJson(schema, `{"name":"a","extra":${deep}}`)).toEqual(refused);
  });

  it('keeps fields that it does not know, and no prototype', () => {
    const parsed = parseJson(schema, '{"name":"a","extra":{"deep":[[[1]]]},"__proto__":{"isAdmin":true}}');
    expect(parsed).toMatchObject({ ok: true, value: { extra: { deep: [[[1]]] } } });
    expect((parsed as { value: { isAdmin?: boolean } }).value.isAdmin).toBeUndefined();
  });

  it('tells of a large document the first mistake only: each of them would take a kilobyte to tell', () => {
    const wrong = (count: number) => parseJson(schema, JSON.stringify({ name: 'a', sizes: Array(count).fill({}) }));
    const problemsOf = (count: number) => {
      const parsed = wrong(count);
      return parsed.ok ? [] : parsed.problems;
    };
    expect(problemsOf(100).length).toBe(100);
    expect(problemsOf(100_000).length).toBe(1);
    expect(problemsOf(100_000)[0]).toMatchObject({ path: 'sizes.0', message: expect.stringContaining('number') });
    expect(parseJson(schema, JSON.stringify({ name: 5, sizes: Array(100_000).fill(1) }))).toMatchObject({
      problems: [{ path: 'name' }],
    });
  });

  it('takes a large document that is right, whole', () => {
    const value = { name: 'a', sizes: Array.from({ length: 100_000 }, (_, i) => i) };
    expect(parseJson(schema, JSON.stringify(value))).toEqual({ ok: true, value });
  });
});
