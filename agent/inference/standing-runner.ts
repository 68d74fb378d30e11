// A runner that stands by: started, its runtime read, without a model. It waits for its hello and takes a third of the memory
// of a loaded one; going back to a baseline that rests then takes the loading of its model alone.
import type { RoomLog } from '../frames/child-log.ts';
import { type Child, type ChildLife, openChild } from '../frames/child-process.ts';
import { volunteerForOutOfMemory } from './oom-score.ts';
import { type RunnerProgram, runnerProgram } from './runner-program.ts';

export type Standby = {
  /** So many stand by within this limit; called again and again, it replaces what has been taken or has died. */
  keep(count: number, dataBytesMax: number | undefined): void;
  /** One that has this limit; null: none stands by. */
  take(dataBytesMax: number | undefined): StandingRunner | null;
};

export type StandingRunner = {
  readonly dataBytesMax: number | undefined;
  /** False once it has been given away, or is gone: then another is started. */
  isThere(): boolean;
  /** Gives it away: from here on the new owner hears it. Null when it is gone. */
  adopt(life: ChildLife): Child | null;
  /** Ends it, unless it was given away. */
  end(): void;
};

export function openStandby(program: Omit<RunnerProgram, 'dataBytesMax'>, log: RoomLog): Standby {
  let standing: readonly StandingRunner[] = [];
  return {
    keep(count, dataBytesMax) {
      const fit = standing.filter((one) => one.isThere() && one.dataBytesMax === dataBytesMax);
      const kept = fit.slice(0, count);
      for (const one of standing) if (!kept.includes(one)) one.end();
      // One at a time: what fails at its start is not tried in a crowd.
      const limit = dataBytesMax === undefined ? {} : { dataBytesMax };
      standing = kept.length < count ? [...kept, openStandingRunner({ ...program, ...limit }, log)] : kept;
    },
    take(dataBytesMax) {
      const taken = standing.find((one) => one.isThere() && one.dataBytesMax === dataBytesMax) ?? null;
      standing = standing.filter((one) => one !== taken);
      return taken;
    },
  };
}

function openStandingRunner(program: RunnerProgram, log: RoomLog): StandingRunner {
  const ignore = (): void => undefined;
  const alone: ChildLife = {
    log,
    fields: { standingBy: true },
    onMessage: ignore,
    onViolation: ignore,
    onExit: ignore,
  };
  const child = openChild({ ...runnerProgram(program), ...alone });
  volunteerForOutOfMemory(child.pid, program.role);
  let isGiven = false;
  return {
    dataBytesMax: program.dataBytesMax,
    isThere: () => !isGiven && !child.isGone,
    adopt(life) {
      if (isGiven || child.isGone) return null;
      isGiven = true;
      child.pass(life);
      return child;
    },
    end() {
      if (!isGiven) void child.kill();
    },
  };
}
