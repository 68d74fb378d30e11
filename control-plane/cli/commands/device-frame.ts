// `belay device frame`: asks a device for what it sees now, and writes the picture to a file.
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type FramesAnswer, framesAnswerSchema, type KeptPicture } from '../../../shared/protocol/api-pictures.ts';
import { pictureSvg } from '../../../shared/protocol/picture-svg.ts';
import type { DeviceAddress } from '../../../shared/protocol/topics.ts';
import { type ApiClient, CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument } from '../program.ts';
import { readDeviceReference } from './device-path.ts';

const POLL_MS = 400;

const HELP = `
The site has to allow it (belay site set SITE --pictures on), and the audit tells who asked and who looked.
The control plane forgets the picture ten minutes later.

Examples
  belay device frame plant-a/cam-1 -o frame.jpg      the picture as the model sees it
  belay device frame plant-a/cam-1 -o frame.svg      with what was found drawn into it
  belay device frame plant-a/cam-1 --json            boxes of every camera, and the picture in base64`;

type Options = ChangeOptions & { out?: string; camera?: string };

export function addFrame(device: Command): void {
  const command = device
    .command('frame')
    .argument('<site/device>')
    .description('what its camera sees now, with what each release found')
    .option('-o, --out <file>', 'where to write it: .jpg, or .svg with the boxes')
    .option('--camera <id>', 'which camera, where there are several')
    .addHelpText('after', HELP);
  const reasonHelp = 'why you look: it stands in the audit';
  addAction<Options>(addChangeOptions(command, reasonHelp, false), async ({ api, output, actor }, args, options) => {
    const { out, camera, reason } = options;
    const ending = out === undefined ? null : extname(out);
    if (ending !== null && ending !== '.jpg' && ending !== '.jpeg' && ending !== '.svg')
      throw new CommandError(EXIT.usage, `--out ${out}: give it one of the endings .jpg, .svg`);
    if (out === undefined && !output.json)
      throw new CommandError(EXIT.usage, 'say where to write the picture: --out frame.jpg (or --json)');
    const where = readDeviceReference(argument(args, 0));
    const request = { ...endpoint('POST /v1/devices/:site/:device/frame', where), body: { reason, actor } };
    const what = `ask ${argument(args, 0)} for its last frame`;
    if (!(await isWanted(output, options, { what, request, asking: 'never' }))) return undefined;
    const asked = await api.ask(request, framesAnswerSchema, request.body);
    const answer = await awaitFrames(api, where, asked);
    const picture = choose(answer, camera);
    if (out !== undefined)
      await write(out, ending === '.svg' ? pictureSvg(picture) : Buffer.from(picture.jpeg, 'base64'));
    output.show(answer, () => `${out} is written: ${describePicture(picture)}`);
    return undefined;
  });
}

/** Until the device has answered this very ask. */
async function awaitFrames(api: ApiClient, where: DeviceAddress, { ask }: FramesAnswer): Promise<FramesAnswer> {
  for (;;) {
    const seen = await api.ask(endpoint('GET /v1/devices/:site/:device/frame', where), framesAnswerSchema);
    const state = seen.ask?.id === ask?.id ? (seen.ask?.state ?? 'expired') : 'answered';
    if (state === 'answered' && seen.pictures.length > 0) return seen;
    if (state === 'expired') throw new CommandError(EXIT.timeout, 'the device did not answer');
    if (state !== 'asked')
      throw new CommandError(EXIT.failed, `the device gave no picture: ${seen.ask?.says ?? 'it does not say why'}`);
    await wait(POLL_MS);
  }
}

function choose({ pictures }: FramesAnswer, camera: string | undefined): KeptPicture {
  const found = camera === undefined ? pictures[0] : pictures.find(({ cameraId }) => cameraId === camera);
  if (found) return found;
  const there = pictures.map(({ cameraId }) => cameraId).join(', ');
  throw new CommandError(EXIT.notFound, `no picture of camera "${camera}"; there are: ${there}`);
}

async function write(file: string, content: string | Buffer): Promise<void> {
  await writeFile(file, content, { mode: 0o600 }).catch((error: unknown) => {
    throw new CommandError(EXIT.failed, `cannot write ${file}: ${describeError(error)}`);
  });
}

function describePicture({ cameraId, width, height, arms }: KeptPicture): string {
  const found = arms.map(({ arm, release, objects }) => `${arm} ${release} found ${objects.length}`);
  return `${cameraId}, ${width} × ${height}; ${found.join('; ')}`;
}
