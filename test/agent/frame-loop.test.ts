// The frame loop with fake runners: every frame is answered once, whatever the candidate does.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { comparePair } from '../../agent/telemetry/pairing.ts';
import { fleetKill, ref } from './core/core-world.ts';
import { FrameWorld } from './frame-world.ts';

let world: FrameWorld;
beforeEach(() => {
  vi.useFakeTimers();
  world = new FrameWorld();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets promises that are already settled run. */
async function breathe(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

/** A candidate that serves and is past its first answers, so that its own p99 makes the deadline. */
function serveWithCandidate(): void {
  world.ask('serve');
  for (let frame = 0; frame < 12; frame += 1) {
    world.frame();
    world.nowMs += 10;
    world.runner('c').answer();
  }
  world.answers.length = 0;
  world.released.length = 0;
  world.outcomes.length = 0;
}

describe('a frame', () => {
  it('is answered once, by the serving release, and its slot is free again', () => {
    const first = world.frame();
    world.nowMs += 12;
    world.runner('b').answer();
    expect(world.said()).toBe('b1');
    expect(world.answers[0]).toMatchObject({
      request_id: 'device-1/camera-1/abcdef-1',
      latency_ms: 12,
      role: 'baseline',
    });
    expect(world.released).toEqual([first]);
  });

  it('waits behind the one in the queue of the runner, and gives way to a newer one', () => {
    world.frame();
    world.frame();
    const waiting = world.frame();
    world.frame();
    expect(world.released).toEqual([waiting]);
    for (let answer = 0; answer < 3; answer += 1) world.runner('b').answer();
    expect(world.said()).toBe('b1 b2 b4');
    expect(world.loop.counter.take('camera-1')).toEqual({ processed: 3, dropped: { superseded: 1 } });
    expect(world.loop.counter.take('camera-1')).toEqual({ processed: 0, dropped: {} });
  });

  it('is dropped and counted while nobody may answer', () => {
    world.kill([
      { ...fleetKill('k-b'), scope: { kind: 'release', ...ref('b') } },
      { ...fleetKill('k-f'), scope: { kind: 'release', ...ref('f') } },
    ]);
    const frame = world.frame();
    expect(world.released).toEqual([frame]);
    expect(world.loop.counter.take('camera-1').dropped).toEqual({ 'no-release': 1 });
  });
});

describe('a shadow', () => {
  it('sees every second frame, its answers never leave, and pairs are made of the same frame', () => {
    world.ask('shadow');
    for (let frame = 0; frame < 4; frame += 1) {
      world.frame();
      world.runner('b').answer();
      world.runner('c').answer();
    }
    expect(world.said()).toBe('b1 b2 b3 b4');
    expect(world.offered).toHaveLength(2);
    expect(world.pairs).toHaveLength(2);
    expect(world.pairs[0]?.candidate.ref.digest).toBe(ref('c').digest);
  });

  it('with another input size is compared where things are in the picture, not in its own frame', () => {
    world.ask('shadow');
    const crack = (box: [number, number, number, number]) => ({
      task: 'detection' as const,
      detections: [{ classId: 2, label: 'micro-crack', score: 0.9, box }],
    });
    for (let frame = 0; frame < 2; frame += 1) {
      world.frame();
      world.runner('b').answer({ answer: crack([100, 50, 10, 20]) });
      world.runner('c').answer({ answer: crack([200, 260, 20, 40]) });
    }
    const pair = world.pairs[0];
    if (!pair) throw new Error('no pair');
    expect(pair.candidate.answer).toEqual(crack([100, 50, 10, 20]));
    expect(comparePair(pair).classes).toMatchObject([{ class: 'micro-crack', lost: 0, gained: 0 }]);
  });

  it('comes to a frame when that is answered: beside the baseline it would take memory and caches from it', () => {
    world.ask('shadow');
    world.frame();
    world.frame();
    expect(world.offered).toHaveLength(0);
    world.runner('b').answer();
    expect(world.offered).toHaveLength(0);
    world.runner('b').answer();
    expect(world.offered).toHaveLength(1);
    world.runner('c').answer();
    expect(world.pairs).toHaveLength(1);
    expect(world.released).toEqual([1, 2]);
  });

  it('is timed by itself, not by what it has waited for the answer', () => {
    world.ask('shadow');
    world.frame();
    world.runner('b').answer();
    world.frame();
    world.nowMs += 400;
    world.runner('b').answer();
    world.nowMs += 30;
    world.runner('c').answer();
    const shadow = world.outcomes.find(({ role }) => role === 'shadow')?.result;
    expect(shadow).toMatchObject({ kind: 'answered', latencyMs: 30 });
  });

  it('does not see a frame that nobody has answered', () => {
    world.ask('shadow');
    for (let frame = 0; frame < 8; frame += 1) world.frame();
    for (let frame = 0; frame < 3; frame += 1) world.runner('b').answer();
    expect(world.said()).toBe('b1 b2 b8');
    expect(world.offered).toHaveLength(2);
    world.runner('c').answer();
    world.runner('c').answer();
    expect(world.released).toHaveLength(8);
  });

  it('that is slow delays nobody: the baseline answers at once, and the shadow skips frames', () => {
    world.ask('shadow');
    for (let frame = 0; frame < 10; frame += 1) {
      world.frame();
      world.runner('b').answer();
    }
    expect(world.answers).toHaveLength(10);
    expect(world.offered).toHaveLength(5);
    world.runner('c').answer();
    world.runner('c').answer();
    expect(world.pairs).toHaveLength(2);
    expect(world.released).toHaveLength(10);
  });

  it('that crashes costs no frame', async () => {
    world.ask('shadow');
    world.frame();
    world.frame();
    world.runner('c').crash();
    await breathe();
    world.runner('b').answer();
    world.runner('b').answer();
    expect(world.said()).toBe('b1 b2');
    expect(world.released).toEqual([1, 2]);
    expect(world.control.state().durable.quarantine[0]?.kind).toBe('crash');
  });
});

describe('a shadow that hangs', () => {
  it('is ended after three deadlines, and gives its slots back', async () => {
    world.ask('shadow');
    for (let second = 0; second < 32; second += 1) {
      world.frame();
      world.runner('b').answer();
      world.wait(1000);
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(world.control.state().durable.quarantine[0]?.kind).toBe('hang');
    expect(world.answers).toHaveLength(32);
    expect(world.released).toHaveLength(32);
  });
});

describe('a candidate that fails', () => {
  it('with NaN: that very frame is answered by the baseline', () => {
    serveWithCandidate();
    const frame = world.frame();
    world.runner('c').answer({ finite: false });
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.lost()).toBe(`c${frame} non-finite`);
    expect(world.answers[0]?.role).toBe('baseline');
  });

  it('with a fault: that very frame is answered by the baseline', () => {
    serveWithCandidate();
    const frame = world.frame();
    world.runner('c').fault('run-failed');
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
  });

  it('by missing its deadline: the baseline answers, and the slot stays taken until the runner lets go of it', () => {
    serveWithCandidate();
    const frame = world.frame();
    world.wait(249);
    expect(world.lost()).toBe('');
    world.wait(2);
    expect(world.lost()).toBe(`c${frame} deadline`);
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.released).toEqual([]);
    world.runner('c').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.released).toEqual([frame]);
  });

  it('by hanging: every frame meanwhile is answered by the baseline, and three deadlines end it', async () => {
    serveWithCandidate();
    const hung = world.frame();
    const seen = [hung];
    for (let round = 0; round < 3; round += 1) {
      world.wait(251);
      world.runner('b').answer();
      seen.push(world.frame());
      world.runner('b').answer();
    }
    await breathe();
    expect(world.said()).toBe(seen.map((seq) => `b${seq}`).join(' '));
    expect(world.control.state().durable.quarantine[0]?.kind).toBe('hang');
    expect(world.runner('c').isStopped).toBe(true);
    expect(world.released).toContain(hung);
    // Frames that the baseline answered in its stead were no switch; the revert was.
    const switches = world.events.filter((event) => event.kind === 'serving').map((event) => event.digest);
    expect(switches).toEqual([ref('c').digest, ref('b').digest]);
    expect(world.events.findLast((event) => event.kind === 'reverted')).toMatchObject({ gapMs: 0 });
  });

  it('by missing a deadline: the frame in its queue is answered by the baseline too, once', () => {
    serveWithCandidate();
    const missed = world.frame();
    const behind = world.frame();
    world.wait(251);
    world.runner('b').answer();
    world.runner('b').answer();
    world.runner('c').answer();
    world.runner('c').answer();
    expect(world.said()).toBe(`b${missed} b${behind}`);
    expect(world.released.toSorted()).toEqual([missed, behind].toSorted());
  });

  it('by a native crash: running and waiting frames are answered by the baseline, none is lost', async () => {
    serveWithCandidate();
    const [running, waiting] = [world.frame(), world.frame()];
    world.runner('c').crash();
    await breathe();
    world.runner('b').answer();
    world.runner('b').answer();
    expect(world.said()).toBe(`b${running} b${waiting}`);
    expect(world.released.sort()).toEqual([running, waiting].sort());
    expect(world.lost()).toBe(`c${running} runner-died`);
  });

  it('by a native crash: the baseline has the frame before anything is written down about the death', async () => {
    serveWithCandidate();
    world.frame();
    world.order.length = 0;
    const baseline = world.runner('b');
    const { submit } = baseline;
    baseline.submit = (token) => {
      world.order.push('rescue');
      return submit(token);
    };
    world.runner('c').crash();
    await breathe();
    expect(world.order.slice(0, 2)).toEqual(['rescue', 'persist']);
  });
});

describe('a kill', () => {
  it('sends the frame in flight to the baseline, stops the candidate, and kills it after the first baseline answer', async () => {
    serveWithCandidate();
    const frame = world.frame();
    world.order.length = 0;
    world.kill([fleetKill()]);
    expect(world.order.slice(0, 2)).toEqual(['persist', 'reroute']);
    expect(world.runner('c').isStopped).toBe(true);
    await breathe();
    expect(world.runner('c').outstanding()).toHaveLength(1);
    expect(world.released).toEqual([]);
    world.nowMs += 7;
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.events.findLast((event) => event.kind === 'kill-ack')).toMatchObject({
      effectMs: 7,
      wasServing: true,
    });
    await breathe();
    expect(world.released).toEqual([frame]);
    expect(world.control.state().holdings.get(ref('c').digest)?.runner).toBe('none');
  });

  it('ends the candidate after a quarter of a second even when no frame comes', async () => {
    serveWithCandidate();
    const frame = world.frame();
    world.kill([fleetKill()]);
    await vi.advanceTimersByTimeAsync(260);
    expect(world.released).toEqual([]);
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.released).toEqual([frame]);
    expect(world.control.state().holdings.get(ref('c').digest)?.runner).toBe('none');
  });
});

describe('a rollback by the control plane', () => {
  it('has the frame in flight answered by the baseline and lets the candidate end gently', async () => {
    serveWithCandidate();
    const frame = world.frame();
    world.ask('shadow', 2);
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.runner('c').isStopped).toBe(false);
    world.runner('c').answer();
    expect(world.released).toEqual([frame]);
  });
});

describe('a baseline that hangs', () => {
  it('is ended after three deadlines although nobody stands in for it, and is loaded again', async () => {
    const before = world.runner('b');
    for (let second = 0; second < 32; second += 1) {
      world.frame();
      world.wait(1000);
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(before.isStopped).toBe(true);
    expect(world.events.findLast((event) => event.kind === 'breach')).toMatchObject({ breach: 'deadline' });
    const frame = world.frame();
    expect(world.runner('b')).not.toBe(before);
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.released).toHaveLength(frame);
  });
});

describe('a baseline that crashes', () => {
  it('is loaded again; the frame that nobody could answer is counted as failed', async () => {
    world.frame();
    const before = world.runner('b');
    before.crash('SIGABRT');
    await breathe();
    expect(world.loop.counter.take('camera-1').dropped).toEqual({ failed: 1 });
    const frame = world.frame();
    expect(world.runner('b')).not.toBe(before);
    world.runner('b').answer();
    expect(world.said()).toBe(`b${frame}`);
    expect(world.released).toEqual([1, frame]);
  });
});
