// The door of pictures on demand: asks a device over the broker with a signed, short-lived ask, takes what it sends back, and
// shows it to who asked. Who asked for which device, and who looked, stands in the audit before anything is sent or shown.
import { randomUUID } from 'node:crypto';
import { describeError } from '../../shared/basics/errors.ts';
import {
  type AskState,
  type FramesAnswer,
  PICTURE_BYTES_MAX,
  PICTURES_MAX,
  type PictureKind,
  type PictureUpload,
} from '../../shared/protocol/api-pictures.ts';
import type { Ask } from '../../shared/protocol/documents.ts';
import { askTopic, type DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Signer } from '../../shared/signing/signed-document.ts';
import type { Audit } from '../audit/audit.ts';
import { type AskVerdict, judgeAsk } from '../core/picture-ask.ts';
import type { Database } from '../database/database.ts';
import type { Device } from '../devices/device.ts';
import { addressKey, type PresenceBook } from '../devices/presence.ts';
import { type KeptSet, PictureShelf } from './picture-shelf.ts';
import { openSitePolicies, type SitePolicies } from './site-policies.ts';

export type PicturesParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly policies: SitePolicies;
  readonly presence: Pick<PresenceBook, 'get' | 'isOnline'>;
  readonly devices: { readonly get: (address: DeviceAddress) => Promise<Pick<Device, 'reported'> | null> };
  readonly signing: { readonly sign: Signer };
  readonly outlet: { readonly publish: (topic: string, text: string, options: { readonly qos: 0 }) => Promise<void> };
  readonly wallNow: () => number;
  readonly log: { warn(fields: object, message: string): void };
};

/** Of disagreements: the shadow that is meant. */
export type Shadow = { readonly rolloutId: string; readonly digest: string };

export type Wish = {
  readonly address: DeviceAddress;
  readonly actor: string;
  readonly reason: string;
  /** Null: its last frame. */
  readonly shadow: Shadow | null;
};

export type TakenOutcome = { readonly kind: 'taken' } | { readonly kind: 'unwanted'; readonly reason: string };

type Asked = {
  readonly id: string;
  readonly askedAtMs: number;
  readonly shadow: Shadow | null;
  state: 'asked' | 'answered' | 'refused';
  says: string | null;
};

/** A busy device takes some seconds to make pictures, and its line half a minute to carry them. */
const ASK_MS_MAX = 90_000;
/** A shift: who reviews a shadow asks again within it. */
const KEEP_ON_DEVICE_MS = 8 * 60 * 60_000;

/** Reads what sites allow. */
export async function openPictures(parts: Omit<PicturesParts, 'policies'>): Promise<Pictures> {
  return new Pictures({ ...parts, policies: await openSitePolicies(parts) });
}

export class Pictures {
  readonly policies: SitePolicies;
  readonly #parts: PicturesParts;
  readonly #shelf = new PictureShelf();
  readonly #asks = new Map<string, Asked>();

  constructor(parts: PicturesParts) {
    this.#parts = parts;
    this.policies = parts.policies;
  }

  async judge(address: DeviceAddress): Promise<AskVerdict> {
    const { policies, presence, devices, wallNow } = this.#parts;
    const known = presence.get(address);
    return judgeAsk({
      name: addressKey(address),
      site: address.site,
      policy: policies.of(address.site).pictures,
      isOnline: known === null ? null : presence.isOnline(address, wallNow()),
      boot: known?.boot ?? null,
      allows: known === null ? undefined : (await devices.get(address))?.reported?.pictures,
    });
  }

  /** Who asks while an answer is on its way waits for the same one. Rejects when the audit or the broker does not take it. */
  async ask(wish: Wish): Promise<AskVerdict> {
    const verdict = await this.judge(wish.address);
    if (verdict.kind === 'refused') return verdict;
    const { address, shadow, actor, reason } = wish;
    const { database, audit, wallNow } = this.#parts;
    const what: PictureKind = shadow === null ? 'last-frame' : 'disagreements';
    const running = this.#askOf(address, what);
    const isRunning = running !== null && running.state === 'asked' && running.shadow?.digest === shadow?.digest;
    const id = isRunning ? running.id : randomUUID();
    const details = { what, ask: id, ...(shadow === null ? {} : { rolloutId: shadow.rolloutId }) };
    await audit.append(database, {
      actor,
      action: 'pictures-asked',
      subject: `device/${addressKey(address)}`,
      reason,
      details,
    });
    if (isRunning) return verdict;
    const asked: Asked = { id, state: 'asked', askedAtMs: wallNow(), says: null, shadow };
    this.#asks.set(`${addressKey(address)} ${what}`, asked);
    await this.#send(address, { id, what, boot: verdict.boot, ...(shadow === null ? {} : { digest: shadow.digest }) });
    return verdict;
  }

  /** What the device itself sends. Only the answer to an ask that still waits is wanted. */
  take(address: DeviceAddress, askId: string, upload: PictureUpload): TakenOutcome {
    const { policies, wallNow } = this.#parts;
    if (policies.of(address.site).pictures === 'off')
      return { kind: 'unwanted', reason: `pictures are off at ${address.site}` };
    const nowMs = wallNow();
    for (const kind of ['last-frame', 'disagreements'] as const) {
      const asked = this.#asks.get(`${addressKey(address)} ${kind}`);
      if (asked?.id !== askId || this.#askOf(address, kind)?.state !== 'asked') continue;
      asked.state = upload.kind === 'refused' ? 'refused' : 'answered';
      asked.says = upload.kind === 'refused' ? upload.reason : upload.note;
      if (upload.kind === 'pictures') this.#keep({ address, kind, asked }, upload, nowMs);
      return { kind: 'taken' };
    }
    return { kind: 'unwanted', reason: 'nobody waits for this' };
  }

  /** What there is, and what became of the newest ask. */
  framesOf(address: DeviceAddress, kind: PictureKind): FramesAnswer {
    const set = this.#shelf.get(address, kind);
    const ask = this.#askOf(address, kind);
    return {
      ...address,
      pictures: [...(set?.pictures ?? [])],
      ask: ask && { id: ask.id, state: ask.state, askedAtMs: ask.askedAtMs, says: ask.says },
      policy: this.policies.of(address.site).pictures,
      forgottenAtMs: set?.forgottenAtMs ?? null,
    };
  }

  /** Devices with pictures of this rollout, or asked for some. */
  devicesOf(rolloutId: string): readonly DeviceAddress[] {
    const asked = [...this.#asks].flatMap(([key, { shadow }]) =>
      shadow?.rolloutId === rolloutId ? [key.split(' ')[0] ?? ''] : [],
    );
    const kept = this.#shelf.ofRollout(rolloutId).map(addressKey);
    return [...new Set([...kept, ...asked])].map((name) => {
      const [site = '', device = ''] = name.split('/');
      return { site, device };
    });
  }

  askedAtMs(address: DeviceAddress, kind: PictureKind): number {
    return this.#askOf(address, kind)?.askedAtMs ?? 0;
  }

  /** To be called before pictures are shown to somebody: once for each set. Rejects when it cannot be written down. */
  async seen(address: DeviceAddress, kind: PictureKind, actor: string): Promise<void> {
    const set = this.#shelf.get(address, kind);
    if (set === null || set.pictures.length === 0 || set.seenBy.has(actor)) return;
    set.seenBy.add(actor);
    const { database, audit } = this.#parts;
    const details = { what: kind, pictures: set.pictures.length };
    const subject = `device/${addressKey(address)}`;
    await audit.append(database, { actor, action: 'pictures-seen', subject, reason: 'looked at', details });
  }

  /** Pictures of a site are off: nothing of it is kept any more, here or on its devices. */
  async forgetSite(site: string): Promise<void> {
    this.#shelf.forgetSite(site);
    for (const key of [...this.#asks.keys()]) {
      const [name = ''] = key.split(' ');
      const [of = '', device = ''] = name.split('/');
      if (of !== site) continue;
      this.#asks.delete(key);
      const boot = this.#parts.presence.get({ site, device })?.boot ?? null;
      if (boot === null) continue;
      await this.#send({ site, device }, { id: randomUUID(), what: 'forget', boot }).catch((error: unknown) => {
        // It forgets by itself when nobody asks any more.
        this.#parts.log.warn({ site, device, error: describeError(error) }, 'a device could not be told to forget');
      });
    }
  }

  #keep(
    { address, kind, asked }: { address: DeviceAddress; kind: PictureKind; asked: Asked },
    upload: Sent,
    nowMs: number,
  ) {
    const pictures = upload.pictures.map(({ ageMs, ...picture }) => {
      return { ...picture, takenAtMs: Math.round(Math.max(0, nowMs - ageMs)) };
    });
    const set: Omit<KeptSet, 'forgottenAtMs' | 'seenBy'> = {
      ...{ site: address.site, device: address.device, kind, pictures },
      rolloutId: asked.shadow?.rolloutId ?? null,
    };
    this.#shelf.put(set, nowMs);
  }

  #askOf(
    address: DeviceAddress,
    kind: PictureKind,
  ): (Omit<Asked, 'state'> & { readonly state: AskState['state'] }) | null {
    const asked = this.#asks.get(`${addressKey(address)} ${kind}`);
    if (asked === undefined) return null;
    const isOver = asked.state === 'asked' && this.#parts.wallNow() - asked.askedAtMs > ASK_MS_MAX;
    return isOver ? { ...asked, state: 'expired' } : asked;
  }

  async #send({ site, device }: DeviceAddress, part: Pick<Ask, 'id' | 'what' | 'boot' | 'digest'>): Promise<void> {
    const limits = { framesMax: PICTURES_MAX, keepMs: KEEP_ON_DEVICE_MS, pictureBytesMax: PICTURE_BYTES_MAX };
    const ask: Ask = { v: 1, site, device, issuedAtMs: this.#parts.wallNow(), ...limits, ...part };
    const { outlet, signing } = this.#parts;
    // Not retained: who is away is not asked later.
    await outlet.publish(askTopic({ site, device }), await signing.sign('ask', ask), { qos: 0 });
  }
}

type Sent = Extract<PictureUpload, { kind: 'pictures' }>;
