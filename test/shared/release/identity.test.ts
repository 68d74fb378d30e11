// Release ids: what is one, what a person may leave out, and how versions compare.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareVersions,
  formatReleaseId,
  formatVersion,
  parseReleaseReference,
  parseVersion,
  releaseIdTextSchema,
} from '../../../shared/release/identity.ts';

describe('a release reference', () => {
  it('is read whole or without its data tag', () => {
    expect(parseReleaseReference('cv-detector:2.0.0+data=b4f7a1')).toEqual({
      name: 'cv-detector',
      version: '2.0.0',
      dataTag: 'b4f7a1',
    });
    expect(parseReleaseReference('cv-detector:2.0.0')).toMatchObject({ dataTag: null });
  });

  it.each([
    'cv-detector',
    'cv-detector:2.0',
    'cv-detector:02.0.0',
    'Cv-Detector:2.0.0',
    'cv-detector:2.0.0+data=',
    'cv-detector:2.0.0+data=B4F7',
    'cv-detector:2.0.0+data=b4f7a1 ',
    'cv-detector:2.0.0-rc1',
    '-detector:2.0.0',
    '',
  ])('is not %j', (text) => {
    expect(parseReleaseReference(text)).toBeNull();
  });

  it('is an id only with its data tag', () => {
    expect(releaseIdTextSchema.safeParse('cv-detector:2.0.0').success).toBe(false);
    expect(releaseIdTextSchema.safeParse('cv-detector:2.0.0+data=b4f7a1').success).toBe(true);
  });

  it('is read back as it was written', () => {
    const id = fc.record({
      name: fc.stringMatching(/^[a-z][a-z0-9-]{1,20}[a-z0-9]$/),
      version: fc.record({ major: fc.nat(999), minor: fc.nat(999), patch: fc.nat(999) }).map(formatVersion),
      dataTag: fc.stringMatching(/^[a-z0-9]{4,12}$/),
    });
    fc.assert(
      fc.property(id, (parts) => {
        expect(parseReleaseReference(formatReleaseId(parts))).toEqual(parts);
      }),
    );
  });
});

describe('versions', () => {
  it('compare by number, not by text', () => {
    const order = ['0.9.9', '1.0.0', '1.0.10', '1.2.0', '1.10.0', '10.0.0'];
    const versions = order.map((text) => parseVersion(text) ?? { major: -1, minor: 0, patch: 0 });
    expect([...versions].reverse().sort(compareVersions).map(formatVersion)).toEqual(order);
  });
});
