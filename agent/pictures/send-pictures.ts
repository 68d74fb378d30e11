// Sends what was asked for to the control plane, over HTTP with the device's own password: one try, since whoever asked looks
// at the page and asks again.
import { PICTURES_MAX, type PictureUpload } from '../../shared/protocol/api-pictures.ts';
import { deviceAuthorization } from '../../shared/protocol/device-authorization.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { frameShapeOf } from '../frames/input-contract.ts';
import { jpegsOf } from '../frames/jpeg.ts';
import { disagreementOf, type Taken } from './taken.ts';

export type SendParts = {
  readonly address: DeviceAddress;
  readonly apiUrl: string;
  readonly password: string;
  readonly monotonicNow: () => number;
  readonly log: RoomLog;
};

export type SendPictures = {
  /** Bytes that were sent. Rejects when the control plane does not take it. */
  readonly send: (askId: string, upload: PictureUpload) => Promise<number>;
  /** JPEGs of the frames; one that cannot be made is left out. Never rejects. */
  readonly develop: (
    taken: readonly Taken[],
    bytesMax: number,
  ) => Promise<Extract<PictureUpload, { kind: 'pictures' }>>;
};

const UPLOAD_MS_MAX = 60_000;
const OBJECTS_MAX = 300;

export function openSendPictures(parts: SendParts): SendPictures {
  const { address, apiUrl, password, monotonicNow, log } = parts;
  const url = `${apiUrl}/v1/devices/${address.site}/${address.device}/asks`;
  return {
    send: async (askId, upload) => {
      const body = JSON.stringify(upload);
      const response = await fetch(`${url}/${askId}`, {
        method: 'PUT',
        headers: { authorization: deviceAuthorization(address, password), 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(UPLOAD_MS_MAX),
      });
      // Its words are for people who call by hand; what failed stands in the status.
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the control plane answered ${response.status} to PUT ${url}/${askId}`);
      return Buffer.byteLength(body);
    },
    develop: async (taken, bytesMax) => {
      const chosen = taken.slice(0, PICTURES_MAX);
      const jpegs = await jpegsOf(chosen, { bytesMax, log });
      const nowMs = monotonicNow();
      const pictures = chosen.flatMap((one, at) => {
        const jpeg = jpegs[at];
        return jpeg ? [sentPicture(one, jpeg, nowMs)] : [];
      });
      const lost = chosen.length - pictures.length;
      return { kind: 'pictures', pictures, note: lost === 0 ? null : `${lost} could not be made into a JPEG` };
    },
  };
}

function sentPicture({ cameraId, requestId, capturedMs, contract, arms }: Taken, jpeg: Buffer, nowMs: number) {
  const { width, height } = frameShapeOf(contract);
  return {
    cameraId,
    requestId,
    width,
    height,
    arms: arms.map(({ arm, release, objects }) => ({
      arm,
      release,
      objects: objects.slice(0, OBJECTS_MAX).map(({ label, score, box, isDisputed }) => {
        return { label, score: Math.min(1, Math.max(0, score)), box, isDisputed };
      }),
    })),
    disagreement: disagreementOf(arms),
    jpeg: jpeg.toString('base64'),
    ageMs: Math.max(0, nowMs - capturedMs),
  };
}
