// The agent seen from outside while it runs: systemd's messages, the preview page, its sinks; and what they cost when
// whoever reads them stops. A real process, real models, real frames.
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import { type Answer, detectionsOf } from '../../shared/release/answers.ts';
import { AgentRig, type PackedRelease } from './agent-rig.ts';
import { readPage } from './preview/page-reader.ts';
import { NotifyListener } from './watchdog/notify-listener.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const SLOW_MS = 150_000;
const WATCHDOG_MS = 3_000;
/** The discard port: nothing listens there. */
const NOBODY = 'http://127.0.0.1:9/';

type Found = { readonly label: string; readonly box: readonly number[] };
type Shown = { readonly requestId: string; readonly arms: readonly { readonly objects: readonly Found[] }[] };

const NONE: Answer = { task: 'detection', detections: [] };

async function shownPicture(url: string): Promise<Shown> {
  const facts = (await (await fetch(new URL('/facts.json', url))).json()) as { cameras: [{ picture: Shown }] };
  return facts.cameras[0].picture;
}

function boxesOf(objects: readonly Found[]): readonly string[] {
  return objects.map(({ label, box }) => `${label} ${box.map((value) => Math.round(value)).join()}`);
}

describe('the agent under systemd, with a preview', () => {
  const rig = new AgentRig();
  let baseline: PackedRelease;
  let listener: NotifyListener;
  let url = '';

  beforeAll(async () => {
    baseline = await rig.open('cv-detector/1.8.2');
    listener = new NotifyListener(join(rig.folder, 'notify'));
    await rig.until('the notify socket', () => listener.isOpen());
    const sinks = [{ kind: 'stdout' }, { kind: 'socket', path: 'answers.sock' }, { kind: 'http', url: NOBODY }];
    rig.configure({ preview: { port: 0 }, sinks });
    const env = { NOTIFY_SOCKET: listener.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) };
    rig.start({ env });
    await rig.until('the address of the preview', () => /"url":"(http:[^"]+)"/.test(rig.log));
    url = /"url":"(http:[^"]+)"/.exec(rig.log)?.[1] ?? '';
  }, SLOW_MS);
  afterAll(async () => {
    await rig.close();
    await listener?.close();
  }, SLOW_MS);

  it(
    'is ready with its first answer, and feeds the watchdog from then on',
    async () => {
      await rig.until('READY', () => listener.values('READY').length > 0, 30_000);
      await rig.until('an answer', () => rig.answers.length > 0);
      await rig.until('pings', () => listener.values('WATCHDOG').length >= 3, 30_000);
      await rig.until('a status', () => listener.values('STATUS').some((text) => text.includes('cv-detector:1.8.2')));
      const at = listener.heard.flatMap(({ atMs, fields }) => (fields.WATCHDOG ? [atMs] : []));
      const gaps = at.slice(1).map((ms, index) => ms - (at[index] ?? ms));
      expect(Math.max(...gaps)).toBeLessThan(WATCHDOG_MS);
    },
    SLOW_MS,
  );

  it(
    'shows what it sees: a real frame, its boxes in the pixels of that frame, who answers and why',
    async () => {
      await rig.until('an answer with a box', () =>
        rig.answers.some((answer) => answer.model_digest === baseline.digest),
      );
      const page = await readPage(url, (seen) => seen.bitmap !== null && seen.rects.length > 0);
      expect(page.facts.Answers).toBe(baseline.release);
      expect(page.facts.Because).toContain('committed');
      // A camera's picture is neither black nor of one colour.
      expect(page.bitmap?.colours).toBeGreaterThan(50);
      const { width: frameWidth = 0, height: frameHeight = 0 } = page.bitmap ?? {};
      expect(page.text).toContain(`viewBox="0 0 ${frameWidth} ${frameHeight}"`);
      for (const { x, y, width, height } of page.rects) {
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(-2);
        expect(x + width).toBeLessThanOrEqual(frameWidth + 2);
        expect(y + height).toBeLessThanOrEqual(frameHeight + 2);
      }
      const shown = await shownPicture(url);
      const told = rig.answers.find((answer) => answer.request_id === shown.requestId) as AnswerRecord | undefined;
      expect(told?.model_digest).toBe(baseline.digest);
      expect(shown.arms.map(({ objects }) => boxesOf(objects))).toEqual([boxesOf(detectionsOf(told?.answer ?? NONE))]);
    },
    SLOW_MS,
  );

  it(
    'gives the same answers to whoever connects, and says which receiver takes none',
    async () => {
      const socket = connect(join(rig.folder, 'answers.sock'));
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      await rig.until('answers on the socket', () => text.split('\n').length > 4);
      const [first = ''] = text.split('\n');
      socket.destroy();
      const { request_id } = JSON.parse(first) as AnswerRecord;
      expect(rig.answers.find((answer) => answer.request_id === request_id)).toEqual(JSON.parse(first));
      await rig.until('a report of the sinks', () => rig.reported?.sinks.some(({ sent }) => sent > 0) ?? false);
      const explained = execFileSync(process.execPath, [MAIN, 'explain', '--config', join(rig.folder, 'agent.json')]);
      expect(String(explained)).toMatch(/^sink {8}stdout: \d+ answers$/m);
      expect(String(explained)).toMatch(/^sink {8}http: 0 answers; http:\/\/127.0.0.1:9: connect ECONNREFUSED/m);
    },
    SLOW_MS,
  );

  it(
    'shows the candidate beside the baseline while it shadows',
    async () => {
      const candidate = await rig.publish('cv-detector/2.0.0');
      await rig.order(baseline, { ...candidate, role: 'shadow' });
      await rig.until('the shadow', () => rig.reported?.phase === 'shadow', 60_000);
      const page = await readPage(url, (seen) => seen.legend.length === 2);
      expect(page.legend).toEqual([`baseline: ${baseline.release}`, `candidate: ${candidate.release}`]);
      expect(page.text).toMatch(/Both releases agree|found by one release alone/);
    },
    SLOW_MS,
  );

  it(
    'is not pinged for when it is stopped as a whole, and says STOPPING when it is asked to end',
    async () => {
      rig.child?.kill('SIGSTOP');
      const silentFrom = performance.now();
      await rig.until('a timeout of silence', () => performance.now() - silentFrom > WATCHDOG_MS);
      const heard = listener.heard.filter(({ atMs, fields }) => fields.WATCHDOG && atMs > silentFrom + WATCHDOG_MS / 2);
      expect(heard).toEqual([]);
      rig.child?.kill('SIGCONT');
      expect(await rig.stop()).toBe(0);
      expect(listener.values('STOPPING')).toEqual(['1']);
    },
    SLOW_MS,
  );
});
