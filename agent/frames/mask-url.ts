// Camera URLs as they may be shown: without the password, wherever a camera's maker has put it. Pure.

const SECRET_KEY = /pass|pwd|secret|token|key|auth|sid|user|usr|login/i;
const SHOWN = '***';

/** The URL with user, password and secret-looking query values replaced; text that is no URL is not shown at all. */
export function maskUrl(url: string): string {
  if (!URL.canParse(url)) return SHOWN;
  const parsed = new URL(url);
  if (parsed.username !== '' || parsed.password !== '') {
    parsed.username = SHOWN;
    parsed.password = '';
  }
  for (const key of new Set(parsed.searchParams.keys())) if (SECRET_KEY.test(key)) parsed.searchParams.set(key, SHOWN);
  return parsed.href;
}

/** Text of another program that may repeat the URL, or its secrets alone. */
export function maskIn(text: string, url: string): string {
  const shown = text.replaceAll(url, maskUrl(url)).replace(/:\/\/[^@/\s]+@/g, `://${SHOWN}@`);
  return secretsOf(url).reduce((masked, secret) => masked.replaceAll(secret, SHOWN), shown);
}

/** Shorter ones would be found in words that are no secret. */
const SECRET_CHARS_MIN = 3;

function secretsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { password, searchParams } = new URL(url);
  const values = [...searchParams].filter(([key]) => SECRET_KEY.test(key)).map(([, value]) => value);
  const secrets = [password, decodeSafely(password), ...values];
  return secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN);
}

/** A stray `%` in a password is itself. */
export function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
