// Guessing is slow, and nobody can keep the on-call out: with a clock that the test moves.
import { beforeEach, describe, expect, it } from 'vitest';
import { networkOf, SignInThrottle } from '../../../control-plane/identity/throttle.ts';

let throttle: SignInThrottle;
let nowMs: number;

beforeEach(() => {
  throttle = new SignInThrottle();
  nowMs = 1_000_000;
});

const guess = (account: string, address: string) => throttle.attempt({ account, address }, nowMs);

/** How many guesses go through in a time, by somebody who always waits as long as told. */
function guessesIn(ms: number, address: (count: number) => string): number {
  const endMs = nowMs + ms;
  let count = 0;
  while (nowMs < endMs) {
    const waitMs = guess('lead', address(count));
    if (waitMs === 0) count += 1;
    nowMs += waitMs;
  }
  return count;
}

describe('sign-in', () => {
  it('lets a person mistype a few times at once', () => {
    for (let time = 0; time < 5; time += 1) expect(guess('lead', '10.0.0.1')).toBe(0);
    expect(guess('lead', '10.0.0.1')).toBe(1000);
    nowMs += 1000;
    expect(guess('lead', '10.0.0.1')).toBe(0);
    expect(guess('lead', '10.0.0.1')).toBe(2000);
  });

  it('leaves a guesser about 3,000 guesses a day for one account, from however many addresses', () => {
    const day = guessesIn(24 * 60 * 60_000, (count) => `10.${count % 250}.${(count >> 8) % 250}.7`);
    expect(day).toBeGreaterThan(2000);
    expect(day).toBeLessThan(3500);
  });

  it('slows one address that tries many accounts, but not another address', () => {
    for (let time = 0; time < 20; time += 1) guess(`person-${time}`, '10.0.0.1');
    expect(guess('somebody-else', '10.0.0.1')).toBeGreaterThan(0);
    expect(guess('somebody-else', '10.0.0.2')).toBe(0);
  });

  it('never makes anybody wait longer than a minute, also when the clock is set back', () => {
    for (let time = 0; time < 2000; time += 1) nowMs += guess('lead', '10.0.0.1');
    nowMs -= 60 * 60_000;
    expect(guess('lead', '10.0.0.1')).toBeLessThanOrEqual(60_000);
  });

  it('does not touch somebody at an address where the account has signed in before, whoever guesses elsewhere', () => {
    guess('lead', '10.0.0.1');
    throttle.succeeded({ account: 'lead', address: '10.0.0.1' });
    for (let time = 0; time < 500; time += 1) nowMs += guess('lead', `172.16.${time % 200}.9`);
    guess('lead', '172.16.9.8');
    expect(guess('lead', '172.16.9.9')).toBeGreaterThan(0);
    expect(guess('lead', '10.0.0.1')).toBe(0);
  });

  it('counts a whole IPv6 network as one address, and IPv4 as itself', () => {
    expect(networkOf('2001:db8:1:2:aaaa::1')).toBe(networkOf('2001:db8:1:2:bbbb:cccc:dddd:eeee'));
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0');
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
    expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  });
});
