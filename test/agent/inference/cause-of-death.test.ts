// What a death is called, from the words and the signals that real runners died with.
import { describe, expect, it } from 'vitest';
import { causeOfDeath } from '../../../agent/inference/cause-of-death.ts';

const signal = (name: string) => ({ code: null, signal: name });

describe('causeOfDeath', () => {
  it('calls a death by the kernel a lack of memory', () => {
    expect(causeOfDeath(signal('SIGKILL'), [], false)).toEqual({ how: 'oom', reason: 'its runner died of SIGKILL' });
  });

  it.each([
    ['SIGTRAP', '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange'],
    ['SIGABRT', 'FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory'],
    ['SIGABRT', "terminate called after throwing an instance of 'std::bad_alloc'"],
    ['SIGSEGV', 'BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1048576000'],
  ])('believes what a process that died of %s said last: %s', (name, words) => {
    const death = causeOfDeath(signal(name), ['#', words, ' 1: 0x9dde61'], false);
    expect(death.how).toBe('oom');
    expect(death.reason).toContain(words.slice(0, 60));
  });

  it('believes a runner that says so itself, however it ends', () => {
    expect(causeOfDeath({ code: 0, signal: null }, [], true).how).toBe('oom');
  });

  it('calls everything else a crash', () => {
    expect(causeOfDeath(signal('SIGSEGV'), ['loading the model'], false).how).toBe('crash');
    expect(causeOfDeath({ code: 7, signal: null }, [], false)).toEqual({
      how: 'crash',
      reason: 'its runner ended with exit code 7',
    });
    // Words of long ago prove nothing when the process then ended in good order.
    expect(causeOfDeath({ code: 0, signal: null }, ['out of memory'], false).how).toBe('crash');
  });
});
