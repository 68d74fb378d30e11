// Nothing that opens a camera is shown, wherever its maker has put it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskIn, maskUrl } from '../../../agent/frames/mask-url.ts';

describe('maskUrl', () => {
  it.each([
    ['rtsp://admin:geheim@10.0.0.7:554/stream1', 'rtsp://***@10.0.0.7:554/stream1'],
    ['http://10.0.0.7/cam.jpg?channel=1&user=admin&pwd=geheim', 'http://10.0.0.7/cam.jpg?channel=1&user=***&pwd=***'],
    ['http://10.0.0.7/video.mjpg', 'http://10.0.0.7/video.mjpg'],
    ['no url: geheim', '***'],
  ])('shows %s as %s', (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });
});

describe('maskIn', () => {
  it('takes the secrets out of what another program says', () => {
    const url = 'rtsp://admin:ge%40heim@10.0.0.7/x?token=t0k3n';
    const text = `Opening ${url}: user rtsp://admin:ge%40heim@10.0.0.7/x, password ge@heim, token t0k3n`;
    expect(maskIn(text, url)).not.toMatch(/ge%40heim|ge@heim|t0k3n/);
    expect(maskIn('Connection refused', url)).toBe('Connection refused');
  });

  it('leaves no password of three characters or more, whatever it is', () => {
    const password = fc
      .string({ minLength: 3, maxLength: 20 })
      .filter((text) => /^[\w%:@/ ]{3,}$/.test(text) && !'***'.includes(text));
    fc.assert(
      fc.property(password, (secret) => {
        const url = `rtsp://u:${encodeURIComponent(secret)}@h/q`;
        expect(maskIn(`${url}: 401`, url)).not.toContain(`:${encodeURIComponent(secret)}@`);
        expect(maskIn(`the password is <${secret}>`, url)).not.toContain(`<${secret}>`);
      }),
    );
  });
});
