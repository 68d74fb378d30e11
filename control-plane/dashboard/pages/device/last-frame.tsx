// What a device sees, when somebody asks: off until its site allows it, and it says who will know.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { DeviceDocument } from '../../../../shared/protocol/api-devices.ts';
import type { KeptPicture } from '../../../../shared/protocol/api-pictures.ts';
import { ask, session } from '../../api.ts';
import { useResource } from '../../live/resource.ts';
import { Age, Cli, Trouble } from '../../shell/kit.tsx';
import { Picture } from '../parts/picture.tsx';
import { askText, differenceText, isWaiting, lacksOperator, whyNoFrame } from '../parts/picture-words.ts';
import { useAsked } from '../parts/use-asked.ts';

export function LastFrame({ device }: { readonly device: DeviceDocument }) {
  const { site } = device;
  const where = { site, device: device.device };
  const policy = useResource(endpoint('GET /v1/sites/:site/policy', { site }));
  const isOn = policy.value?.pictures === 'on' && lacksOperator(session.value, site) === null;
  const frames = useAsked(
    isOn ? endpoint('GET /v1/devices/:site/:device/frame', where) : null,
    () => ask(endpoint('POST /v1/devices/:site/:device/frame', where), {}),
    isWaiting,
  );
  const why = whyNoFrame(device, policy.value, session.value);
  const says = frames.value === null ? null : askText(frames.value);
  return (
    <>
      <p class="actions">
        <button
          type="button"
          aria-disabled={why !== null}
          title={why ?? 'It is taken now, and sent once'}
          onClick={() => why === null && frames.again()}
        >
          Ask for its last frame
        </button>
        {why === null ? null : <small class="why-not">{why}</small>}
        <Cli command={`belay device frame ${site}/${device.device} -o frame.svg`} />
      </p>
      {policy.value?.pictures === 'off' ? <Off site={site} /> : null}
      {frames.problem === null ? null : <Trouble problem={frames.problem} />}
      <p role="status">{says}</p>
      {frames.value?.pictures.map((picture) => (
        <Frame key={picture.cameraId} picture={picture} />
      ))}
      {isOn ? (
        <p class="soft">
          A picture is taken only when somebody asks. It lies in the memory of the control plane for ten minutes, on no
          disk. Who asked and who looked stands in{' '}
          <a href={`/audit?subject=device/${site}/${device.device}`}>the audit</a>.
        </p>
      ) : null}
    </>
  );
}

function Off({ site }: { readonly site: string }) {
  return (
    <p>
      Nobody can look through the cameras of {site}. An admin of the site can allow it in{' '}
      <a href="/settings?section=sites">Settings, Sites</a>, or with{' '}
      <Cli command={`belay site set ${site} --pictures on --reason REASON`} />
    </p>
  );
}

const TOGGLES = [
  ['baseline', 'Baseline (line)'],
  ['candidate', 'Candidate (dashes)'],
] as const;

function Frame({ picture }: { readonly picture: KeptPicture }) {
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const [onlyDisputed, setOnlyDisputed] = useState(false);
  const { cameraId, arms, takenAtMs, width, height } = picture;
  const isPair = arms.length === 2;
  const there = TOGGLES.filter(([arm]) => arms.some((shown) => shown.arm === arm));
  const toggle = (arm: string): void =>
    setHidden((before) => (before.includes(arm) ? before.filter((one) => one !== arm) : [...before, arm]));
  return (
    <figure class="frame frame-single">
      <fieldset class="frame-toggles" aria-label={`Boxes on ${cameraId}`}>
        {there.map(([arm, word]) => (
          <label key={arm}>
            <input type="checkbox" checked={!hidden.includes(arm)} onChange={() => toggle(arm)} /> {word}
          </label>
        ))}
        {isPair ? (
          <label>
            <input
              type="checkbox"
              checked={onlyDisputed}
              onChange={(event) => setOnlyDisputed(event.currentTarget.checked)}
            />{' '}
            Only where they differ (≠)
          </label>
        ) : null}
      </fieldset>
      <Picture
        picture={picture}
        arms={there.map(([arm]) => arm).filter((arm) => !hidden.includes(arm))}
        onlyDisputed={onlyDisputed}
        label={`What ${cameraId} sees, ${width} × ${height}. ${differenceText(picture)}`}
      />
      <figcaption>
        <b>{cameraId}</b>, taken <Age atMs={takenAtMs} />.{' '}
        {arms.map(({ arm, release, objects }) => `${arm} ${release} found ${objects.length}`).join('; ')}.{' '}
        {differenceText(picture)}
      </figcaption>
    </figure>
  );
}
