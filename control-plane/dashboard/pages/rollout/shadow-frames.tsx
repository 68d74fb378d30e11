// Frames in which the shadow differs most, both answers side by side, the largest difference first. Loaded when somebody wants
// to see them: most who look at a rollout do not.
import { endpoint } from '../../../../shared/protocol/address.ts';
import { ask } from '../../api.ts';
import { Age, Trouble } from '../../shell/kit.tsx';
import { Picture } from '../parts/picture.tsx';
import { differenceText, isWaiting, type RankedFrame, rankedFrames, reviewNotes } from '../parts/picture-words.ts';
import { useAsked } from '../parts/use-asked.ts';

export function ShadowFrames({ rolloutId }: { readonly rolloutId: string }) {
  const id = rolloutId;
  const frames = useAsked(
    endpoint('GET /v1/rollouts/:id/frames', { id }),
    () => ask(endpoint('POST /v1/rollouts/:id/frames', { id }), {}),
    ({ devices }) => devices.some(isWaiting),
  );
  const ranked = frames.value === null ? [] : rankedFrames(frames.value);
  return (
    <>
      <p class="actions">
        <button type="button" onClick={frames.again}>
          Fetch disagreeing frames
        </button>
      </p>
      {frames.problem === null ? null : <Trouble problem={frames.problem} />}
      <div role="status">
        <ul class="plain-list">
          {(frames.value === null ? [] : reviewNotes({ ...frames.value, notAsked: frames.told?.notAsked ?? [] })).map(
            (note) => (
              <li key={note}>{note}</li>
            ),
          )}
        </ul>
      </div>
      {ranked.map((frame) => (
        <Pair key={`${frame.name} ${frame.requestId}`} frame={frame} />
      ))}
      <p class="soft">
        Up to twelve devices are asked at a time, of sites that allow pictures. From the first ask on each keeps the
        eight frames in which its shadow differs most, for eight hours, in its memory. Here they are forgotten after an
        hour; who asked and who looked stands in <a href="/audit?action=pictures-asked">the audit</a>.
      </p>
    </>
  );
}

function Pair({ frame }: { readonly frame: RankedFrame }) {
  const { name, cameraId, takenAtMs, arms } = frame;
  return (
    <figure class="frame">
      <figcaption>
        <a href={`/devices/${name}`}>{name}</a>, {cameraId}, <Age atMs={takenAtMs} />: <b>{differenceText(frame)}</b>
      </figcaption>
      <div class="frame-pair">
        {arms.map(({ arm, release, objects }) => (
          <div key={arm}>
            <Picture picture={frame} arms={[arm]} label={`${arm} ${release} on ${name}, ${cameraId}`} />
            <small>
              {arm === 'baseline' ? 'Baseline' : 'Candidate'} {release}: {objects.length} found
            </small>
          </div>
        ))}
      </div>
    </figure>
  );
}
