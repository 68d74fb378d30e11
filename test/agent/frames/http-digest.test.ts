// Digest and Basic as the standards show them.
import { describe, expect, it } from 'vitest';
import { answerChallenge, type Challenge, readChallenge } from '../../../agent/frames/http-digest.ts';

// The example of RFC 7616 §3.9.1.
const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
const HEADER = ['SHA-256', 'MD5']
  .map(
    (name) =>
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${name}, nonce="${NONCE}", opaque="${OPAQUE}"`,
  )
  .join(', ');
const ASKED = {
  method: 'GET',
  path: '/dir/index.html',
  count: 1,
  clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};
const MUFASA = { user: 'Mufasa', password: 'Circle of Life' };

const responseOf = (challenge: Challenge | null): string | undefined =>
  challenge ? /response="([^"]+)"/.exec(answerChallenge(challenge, MUFASA, ASKED))?.[1] : undefined;

describe('readChallenge', () => {
  it('takes the stronger one of two', () => {
    expect(readChallenge(HEADER)).toMatchObject({ scheme: 'digest', algorithm: 'SHA-256', nonce: NONCE, hasQop: true });
    expect(readChallenge(`Basic realm="x", ${HEADER}`)).toMatchObject({ scheme: 'digest' });
  });

  it('falls back to Basic, and to nothing', () => {
    expect(readChallenge('Basic realm="camera"')).toEqual({ scheme: 'basic' });
    expect(readChallenge('Basic')).toEqual({ scheme: 'basic' });
    expect(readChallenge('Digest realm="x", nonce="y", algorithm=MD5-sess')).toBeNull();
    expect(readChallenge('Digest realm="x"')).toBeNull();
    expect(readChallenge('Negotiate')).toBeNull();
  });
});

describe('answerChallenge', () => {
  it('gives the responses of RFC 7616', () => {
    expect(responseOf(readChallenge(HEADER))).toBe('753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
    const md5 = readChallenge(HEADER.split(', Digest')[1]!.replace(/^/, 'Digest'));
    expect(responseOf(md5)).toBe('8ca523f5e9506fed4657c9700eebdbec');
  });

  it('gives the response of RFC 2069, for cameras without qop', () => {
    const old = readChallenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
    const answer = answerChallenge(old!, { ...MUFASA, password: 'Circle Of Life' }, ASKED);
    expect(answer).toMatch(/response="670fd8c2df070c60b045671b8b24ff02"/);
    expect(answer).not.toMatch(/qop|cnonce/);
  });

  it('gives Basic as one token', () => {
    expect(answerChallenge({ scheme: 'basic' }, { user: 'Aladdin', password: 'open sesame' }, ASKED)).toBe(
      'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    );
  });
});
