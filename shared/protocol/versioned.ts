// Which address has the version that a change is compared with: for clients, which read its ETag and send it as If-Match.

/** What is changed by an address below it. */
const VERSIONED: readonly RegExp[] = [
  /^(\/v1\/rollouts\/[^/?]+)(?:\/(?:resume|approve|promote|abort|hold|rollback)|\/revisions\/[^/?]+\/[a-z]+)?$/,
  /^(\/v1\/releases\/[^/?]+)\/state$/,
  /^(\/v1\/devices\/[^/?]+\/[^/?]+)\/(?:pin|undrain|retire|unretire)$/,
  /^(\/v1\/incidents\/[^/?]+)\/annotate$/,
];

/** Null: nothing that has a version is changed there. */
export function versionedBy(path: string): string | null {
  const [address = ''] = path.split('?', 1);
  for (const pattern of VERSIONED) {
    const match = pattern.exec(address);
    if (match) return match[1] ?? null;
  }
  return null;
}
