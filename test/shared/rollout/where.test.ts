// cohort.where: which devices it lets in, why it leaves one out, and where it points when it cannot be read.
import { describe, expect, it } from 'vitest';
import { parseWhere, type WhereFacts, whyNotWhere } from '../../../shared/rollout/where.ts';

const DEVICE: WhereFacts = { hw: 'orin-nx', site: 'fab-1', line: 'weld-2', online: true, battery: 48.6 };

function whyNot(text: string, change: Partial<WhereFacts> = {}): string | null {
  const parsed = parseWhere(text);
  if (!parsed.ok) throw new Error(`${parsed.column}: ${parsed.message}`);
  return whyNotWhere(parsed.clauses, { ...DEVICE, ...change });
}

describe('cohort.where', () => {
  it.each([
    'hw in [orin-nx, x86] and online and battery >= 30',
    'site = fab-1',
    'line not in [safety-1, "weld 9"]',
    'battery<50 and battery > 48 and battery <= 48.6',
  ])('lets in what fits %s', (text) => {
    expect(whyNot(text)).toBeNull();
  });

  it.each([
    ['hw in [agx, x86]', {}, 'where: hw is orin-nx, not agx or x86'],
    ['site not in [fab-1]', {}, 'where: site is fab-1'],
    ['online and site = fab-2', { online: false }, 'where: is not online'],
    ['not online', {}, 'where: is online'],
    ['battery >= 60', {}, 'where: battery is 49 %, not >= 60'],
    ['battery >= 60', { battery: null }, 'where: its battery is not known'],
    ['line = weld-2', { line: null }, 'where: its line is not known'],
    ['line not in [weld-2]', { line: null }, 'where: its line is not known'],
  ])('leaves out what does not fit %s, with the reason', (text, change, why) => {
    expect(whyNot(text, change)).toBe(why);
  });

  it.each([
    ['', 1, 'expected a field'],
    ['hv in [a]', 1, 'unknown field "hv" (did you mean "hw"?)'],
    ['disk_free_gb >= 2', 1, 'free disk is not reported'],
    ['hw in orin', 7, 'expected "[", found "orin"'],
    ['hw in [a', 9, 'expected "]", found the end'],
    ['hw in []', 8, 'expected a name'],
    ['battery = 3', 9, 'expected ">="'],
    ['battery >= full', 12, 'from 0 to 100'],
    ['online or hw = a', 8, 'there is no "or"'],
    ['online hw = a', 8, 'expected "and"'],
    ['online and process.exit(1)', 24, 'unexpected character "("'],
    ['online ; x', 8, 'unexpected character ";"'],
    ['x'.repeat(501), 1, 'at most 500'],
  ])('points at the mistake in "%s"', (text, column, message) => {
    const parsed = parseWhere(text);
    expect(parsed).toMatchObject({ ok: false, column });
    if (!parsed.ok) expect(parsed.message).toContain(message);
  });
});
