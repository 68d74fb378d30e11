// The door of the preview: a page on this box with each camera's last picture, what the baseline and the candidate have
// found in it, and who answers and why. It looks on: nothing here changes what the agent does.
import type { InputContract } from '../../shared/release/manifest.ts';
import type { CoreState } from '../core/state.ts';
import type { AnsweredFrame } from '../frame-outcome.ts';
import type { RoomLog } from '../frames/child-log.ts';
import type { SinkReport } from '../sinks/sinks.ts';
import { bitmapOf } from './bitmap.ts';
import type { PreviewOptions } from './options.ts';
import { pageOf } from './page.ts';
import { pageFactsOf } from './page-facts.ts';
import { Pictures } from './pictures.ts';
import { PreviewServer } from './preview-server.ts';
import { RecentAnswers } from './rates.ts';

export { type PreviewOptions, previewSchema } from './options.ts';

export type PreviewParts = {
  readonly options: PreviewOptions;
  readonly site: string;
  readonly device: string;
  readonly cameraIds: readonly string[];
  readonly state: () => CoreState;
  readonly sinks: () => readonly SinkReport[];
  /** A copy of a slot's frame; null when it cannot be read. */
  readonly readFrame: (cameraId: string, contract: InputContract, slot: number) => Uint8Array | null;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly log: Pick<RoomLog, 'info' | 'warn'>;
};

export type Preview = {
  /** Called while the frame's slot is held; costs next to nothing while nobody looks. */
  readonly onAnswered: (answered: AnsweredFrame) => void;
  readonly close: () => Promise<void>;
};

export function openPreview(parts: PreviewParts): Preview {
  const { options, site, device, cameraIds, log, monotonicNow } = parts;
  const pictures = new Pictures(parts);
  const recent = new Map(cameraIds.map((cameraId) => [cameraId, new RecentAnswers()]));
  const facts = () => {
    pictures.asked();
    const cameras = [...recent].map(([cameraId, answers]) => {
      return { cameraId, rates: answers.rates(monotonicNow()), picture: pictures.latest(cameraId) };
    });
    const known = { site, device, wallNowMs: parts.wallNow(), nowMs: monotonicNow(), cameras };
    return pageFactsOf({ ...known, state: parts.state(), sinks: parts.sinks() });
  };
  const server = new PreviewServer({
    options,
    log,
    page: () => pageOf(facts()),
    facts: () => withoutPixels(facts()),
    bitmap: (cameraId, id) => {
      const picture = pictures.find(cameraId, id);
      return picture && bitmapOf(picture.frame, picture.contract);
    },
  });
  server.listen();
  return {
    onAnswered: (answered) => {
      const { role, cameraId, result } = answered.outcome;
      if (role !== 'shadow' && result.kind === 'answered')
        recent.get(cameraId)?.add({ atMs: monotonicNow(), latencyMs: result.latencyMs });
      pictures.onAnswered(answered);
    },
    close: () => server.close(),
  };
}

function withoutPixels(facts: ReturnType<typeof pageFactsOf>): unknown {
  const cameras = facts.cameras.map(({ picture, ...camera }) => {
    if (picture === null) return { ...camera, picture };
    const { frame: _, contract, ...rest } = picture;
    return {
      ...camera,
      picture: { ...rest, url: `/frames/${picture.cameraId}/${picture.id}.bmp`, shape: contract.shape },
    };
  });
  return { ...facts, cameras };
}
