// Whether a device may be asked for pictures now. Any doubt is a no, with the sentence that a person reads. Pure.

export type AskFacts = {
  /** `site/device`. */
  readonly name: string;
  readonly site: string;
  readonly policy: 'on' | 'off';
  /** Null: it was never heard. */
  readonly isOnline: boolean | null;
  readonly boot: string | null;
  /** What it says of its own configuration; undefined: its agent does not know the question. */
  readonly allows: 'allowed' | 'never' | undefined;
};

export type AskVerdict =
  | { readonly kind: 'ask'; readonly boot: string }
  | {
      readonly kind: 'refused';
      readonly problem: 'pictures-off' | 'device-away';
      /** Of this device. */
      readonly reason: string;
      /** The same without its name, to be counted over many. */
      readonly why: string;
    };

/** The policy first: nobody learns of a device what its site does not show. */
export function judgeAsk({ name, site, policy, isOnline, boot, allows }: AskFacts): AskVerdict {
  if (policy === 'off') return { ...OFF, reason: `pictures are off at ${site}`, why: `pictures are off at ${site}` };
  if (isOnline === null || boot === null) return { ...AWAY, reason: `${name} was never heard`, why: 'never heard' };
  if (!isOnline) return { ...AWAY, reason: `${name} is offline`, why: 'offline' };
  if (allows === undefined)
    return { ...AWAY, reason: `the agent of ${name} is too old to give pictures`, why: 'agent too old' };
  if (allows === 'never')
    return { ...OFF, reason: `${name} is configured to give no pictures`, why: 'configured to give none' };
  return { kind: 'ask', boot };
}

const OFF = { kind: 'refused', problem: 'pictures-off' } as const;
const AWAY = { kind: 'refused', problem: 'device-away' } as const;
