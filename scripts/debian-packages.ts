// Debian packages that the tests need: installed when we are root and they are missing, named and refused when we are not.
import { spawnSync } from 'node:child_process';

type Needed = {
  readonly tool: string;
  readonly debianPackage: string;
  readonly why: string;
  /** What shows that it is there, by exit code 0; left out: the tool is on PATH. */
  readonly probe?: readonly [string, ...string[]];
};

const RTSP_SERVER = 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer';
const RTP_OF_H264 = '/usr/lib/*/gstreamer-1.0/libgstrtp.so';

/** Without recommendations: ffmpeg 57 MB in 33 s, the RTSP server 29 MB in 9 s, zsh and fish 8 MB (two cores, packages from near). */
const NEEDED: readonly Needed[] = [
  { tool: 'git', debianPackage: 'git', why: 'tidy lists the tracked files with it' },
  { tool: 'systemd-analyze', debianPackage: 'systemd', why: 'it judges the units and carries readiness and pings' },
  { tool: 'openssl', debianPackage: 'openssl', why: 'it makes the certificate of a receiver of answers' },
  { tool: 'python3', debianPackage: 'python3', why: 'the runner protocol is tested on a runner in another language' },
  { tool: 'ffmpeg', debianPackage: 'ffmpeg', why: 'it reads RTSP and V4L2 cameras and video files' },
  {
    tool: 'RTSP server',
    debianPackage: 'python3-gi gir1.2-gst-rtsp-server-1.0',
    why: 'cameras are tested against a real one',
    probe: ['/usr/bin/python3', '-c', RTSP_SERVER],
  },
  { tool: 'zsh', debianPackage: 'zsh', why: 'the completion for it is tested in it' },
  { tool: 'fish', debianPackage: 'fish', why: 'the completion for it is tested in it' },
  { tool: 'faketime', debianPackage: 'faketime', why: 'the agent is tested with wall clocks that jump' },
  {
    tool: 'mkfs.ext4',
    debianPackage: 'e2fsprogs',
    why: 'power cuts and full disks are tested on disks of their own',
    // Not on the PATH of everybody.
    probe: ['/bin/sh', '-c', 'test -x /usr/sbin/mkfs.ext4 || test -x /sbin/mkfs.ext4'],
  },
  { tool: 'chromium', debianPackage: 'chromium', why: 'the dashboard is tested in a real browser' },
  { tool: 'promtool', debianPackage: 'prometheus', why: 'it tests the alert rules' },
  {
    tool: 'RTSP server of H.264',
    debianPackage: 'gstreamer1.0-plugins-good',
    why: 'cameras are tested against a real one',
    probe: ['/bin/sh', '-c', `ls ${RTP_OF_H264}`],
  },
];

function missing(): readonly Needed[] {
  return NEEDED.filter(({ tool, probe }) =>
    probe === undefined
      ? spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined
      : spawnSync(probe[0], probe.slice(1), { stdio: 'ignore' }).status !== 0,
  );
}

/** A mirror that hiccups is asked again, and another apt that is at work is waited for. */
const PATIENT = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=120'];

function apt(verb: string, ...more: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { error, status } = spawnSync('apt-get', [...PATIENT, '-qq', verb, ...more], { stdio: 'inherit', env });
  if (error) process.stderr.write(`cannot run apt-get: ${error.message}\n`);
  return status === 0;
}

/** True when every needed tool is there afterwards; otherwise says which is not, and how to install it. */
export function ensureDebianPackages(): boolean {
  const absent = missing();
  if (absent.length === 0) return true;
  const names = absent.flatMap(({ debianPackage }) => debianPackage.split(' '));
  if (process.getuid?.() === 0) {
    process.stdout.write(`installing Debian packages: ${names.join(' ')} …\n`);
    // Lists may be old and still do: what counts is whether the packages come.
    if (!apt('update')) process.stderr.write('"apt-get update" failed; trying with the package lists that are there\n');
    if (!apt('install', '-y', '--no-install-recommends', ...names))
      process.stderr.write('"apt-get install" failed; its own message is above. A Debian mirror must be reachable.\n');
  }
  const still = missing();
  for (const { tool, debianPackage, why } of still) {
    process.stderr.write(`missing "${tool}" (${why}): run "apt-get install ${debianPackage}" as root and try again\n`);
  }
  return still.length === 0;
}
