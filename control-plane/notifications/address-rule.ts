// Where a webhook may go: a person's typing error, or somebody's ill will, must not make the control plane speak to its own
// machine or to the metadata of its cloud. Networks of a plant are allowed; what else is has to be configured.
import { BlockList, isIP } from 'node:net';

export type AddressRule = {
  /** Why this URL is no receiver; null when it may be one. A name is looked at again when it is resolved. */
  refuseUrl(text: string): string | null;
  /** Why nothing is sent to this IP address; null when it may be. */
  refuseAddress(address: string): string | null;
};

const FORBIDDEN: readonly (readonly [network: string, prefix: number, why: string])[] = [
  ['0.0.0.0', 8, 'this machine'],
  ['127.0.0.0', 8, 'this machine'],
  ['169.254.0.0', 16, 'link-local'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
  ['::', 128, 'this machine'],
  ['::1', 128, 'this machine'],
  ['fe80::', 10, 'link-local'],
  ['ff00::', 8, 'multicast'],
  ['64:ff9b::', 96, 'an IPv4 address in disguise'],
  ['2002::', 16, 'an IPv4 address in disguise'],
  ['fd00:ec2::254', 128, 'the metadata of a cloud'],
  ['100.100.100.200', 32, 'the metadata of a cloud'],
];

/** `allowed`: networks as `127.0.0.0/8`, checked by the configuration. */
export function openAddressRule(allowed: readonly string[]): AddressRule {
  const permitted = new BlockList();
  for (const network of allowed) {
    const [address = '', prefix = ''] = network.split('/');
    permitted.addSubnet(address, Number(prefix), familyOf(address));
  }
  const forbidden = FORBIDDEN.map(([network, prefix, why]) => {
    const list = new BlockList();
    list.addSubnet(network, prefix, familyOf(network));
    return { list, why };
  });
  const refuseAddress = (address: string): string | null => {
    const family = familyOf(address);
    if (permitted.check(address, family)) return null;
    const found = forbidden.find(({ list }) => list.check(address, family));
    return found ? `${address} is ${found.why}; allow it with webhooks.allowNetworks in the configuration` : null;
  };
  return { refuseAddress, refuseUrl: (text) => refuseUrl(text, refuseAddress) };
}

function refuseUrl(text: string, refuseAddress: AddressRule['refuseAddress']): string | null {
  const url = URL.parse(text);
  if (url === null) return 'is not a URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} is neither http nor https`;
  if (url.username !== '' || url.password !== '')
    return 'has a name and password in it; the signature proves the sender';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? null : refuseAddress(host);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

export function isNetwork(text: string): boolean {
  const [address = '', prefix = '', more] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more === undefined && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}
