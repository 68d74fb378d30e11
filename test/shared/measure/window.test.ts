// What the window contract accepts, keeps and refuses.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, parseValue } from '../../../shared/basics/parsing.ts';
import { windowSchema } from '../../../shared/measure/window.ts';
import { buildArm, buildPaired, buildWindow } from './window-builder.ts';

describe('windowSchema', () => {
  it('accepts a complete window and gives it back unchanged through JSON', () => {
    const window = buildWindow({ paired: buildPaired() });
    expect(parseJson(windowSchema, JSON.stringify(window))).toEqual({ ok: true, value: window });
  });

  it('keeps fields that it does not know, at every level', () => {
    const arm = { ...buildArm(), powerW: 7.5 };
    const window = { ...buildWindow(), note: 'x', arms: [arm] };
    expect(parseValue(windowSchema, window)).toEqual({ ok: true, value: window });
  });

  it('fills in spoolDropped, which older agents do not send', () => {
    const { spoolDropped: _, ...older } = buildWindow();
    expect(windowSchema.parse(older).spoolDropped).toEqual({});
  });

  it('refuses any wrong value in any numeric counter', () => {
    const counters = ['seq', 'startAtMs', 'endAtMs', 'generation', 'killEpoch'] as const;
    const wrong = fc.constantFrom<unknown>(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '7', null, [], {});
    fc.assert(
      fc.property(fc.constantFrom(...counters), wrong, (name, value) => {
        const parsed = parseValue(windowSchema, { ...buildWindow(), [name]: value });
        expect(parsed.ok).toBe(false);
        if (!parsed.ok) expect(parsed.problems.map((problem) => problem.path)).toContain(name);
      }),
    );
  });

  it('refuses a window without any one of its fields', () => {
    for (const name of Object.keys(buildWindow()).filter((key) => key !== 'spoolDropped')) {
      const { [name]: _, ...rest } = buildWindow();
      expect(windowSchema.safeParse(rest).success, `without ${name}`).toBe(false);
    }
  });

  it('refuses a window that ends before it starts, and says so', () => {
    const parsed = parseValue(windowSchema, buildWindow({ startAtMs: 2, endAtMs: 1 }));
    expect(parsed).toEqual({ ok: false, problems: [{ path: 'endAtMs', message: 'lies before startAtMs' }] });
  });

  it('limits how many arms and how much sketch one window may carry', () => {
    const bloated = buildArm({ latencyMs: { count: 1, min: 1, max: 1, sum: 1, bins: 'A'.repeat(16_385) } });
    expect(windowSchema.safeParse(buildWindow({ arms: Array(9).fill(buildArm()) })).success).toBe(false);
    expect(windowSchema.safeParse(buildWindow({ arms: [bloated] })).success).toBe(false);
  });

  it('never throws on foreign JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseValue(windowSchema, value).ok).toBe(false);
      }),
    );
  });
});
