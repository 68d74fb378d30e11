// Connects to the broker of a plant's Home Assistant where the configuration asks for it.
import type { Rooms } from '../rooms.ts';
import type { HomeAssistant } from './home-assistant.ts';

/** Null: it is off. Its library is loaded only where somebody wants it. */
export async function openHomeAssistant(rooms: Rooms, version: string): Promise<HomeAssistant | null> {
  const { config, signing, devices, live, log } = rooms;
  if (config.homeAssistant === 'off') return null;
  const { HomeAssistant } = await import('./home-assistant.ts');
  return HomeAssistant.open({
    ...{ config: config.homeAssistant, live, log },
    instance: (signing.keySet.keys[0]?.kid ?? 'plane').slice(0, 8),
    origin: { version, pageUrl: config.publicUrls.http ?? null },
    isExpected: async (address) => {
      const known = await devices.get(address);
      return known !== null && !known.duty?.retired;
    },
  });
}
