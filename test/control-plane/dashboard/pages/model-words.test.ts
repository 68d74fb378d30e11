// A release as a card, two of them side by side, and where one runs; and what the incident pages say.
import { describe, expect, it } from 'vitest';
import {
  chosen,
  evidenceText,
  filterOf,
  touchedDevices,
} from '../../../../control-plane/dashboard/pages/incident/incident-words.ts';
import {
  cardRows,
  compareCards,
  runningWhere,
  stateActs,
} from '../../../../control-plane/dashboard/pages/model/model-words.ts';
import type { IncidentSummary } from '../../../../shared/protocol/api-incidents.ts';
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import type { Release } from '../../../../shared/protocol/api-releases.ts';
import type { Verdict } from '../../../../shared/rollout/verdict.ts';
import { tinyPackage } from '../../../builders/tiny-package.ts';

describe('compareCards', () => {
  it('puts rows of one name beside each other, and marks what differs or is missing', () => {
    const row = (name: string, value: string) => ({ group: 'Card', name, value });
    const compared = compareCards([row('Task', 'detection'), row('Owner', 'a')], [row('Owner', 'b'), row('New', 'x')]);
    expect(compared.map(({ name, left, right, differs }) => [name, left, right, differs])).toEqual([
      ['Task', 'detection', null, true],
      ['Owner', 'a', 'b', true],
      ['New', null, 'x', true],
    ]);
  });
});

describe('cardRows', () => {
  it('tell what its model card says in front, and nothing of one that it has not', () => {
    const card = {
      ...{ license: ['apache-2.0'], datasets: ['welds', 'pores'], metrics: [], tags: [], baseModels: [] },
      results: [{ model: 'det', task: 'detection', dataset: 'welds', metric: 'map50', value: 0.91 }],
      text: '',
    };
    const own = { registeredAtMs: 0, manifest: tinyPackage().parsed };
    const rows = (release: object) =>
      cardRows({ ...own, ...release } as unknown as Release).filter(({ group }) => group === 'Model card');
    expect(rows({ card }).map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'Licence: apache-2.0',
      'Data sets: welds, pores',
      'Results: map50 0.91 on welds',
    ]);
    expect(rows({ card: null })).toEqual([]);
  });
});

describe('runningWhere', () => {
  it('counts devices that answer with it by site, the most first', () => {
    const device = (site: string, role: LiveDevice['role']) => ({ site, role, release: 'det:1' }) as LiveDevice;
    const devices = [device('plant-a', 'baseline'), device('plant-b', 'baseline'), device('plant-b', 'candidate')];
    expect(runningWhere(devices, 'det:1')).toEqual([
      { site: 'plant-b', devices: 2, onTrial: 1 },
      { site: 'plant-a', devices: 1, onTrial: 0 },
    ]);
  });
});

describe('stateActs', () => {
  it('offers the way back for what was set aside', () => {
    expect(stateActs({ id: 'det:1', state: 'withdrawn' }).map(({ state }) => state)).toEqual(['registered']);
    expect(stateActs({ id: 'det:1', state: 'stable' }).map(({ state }) => state)).toEqual(['archived', 'withdrawn']);
  });
});

describe('incidents', () => {
  it('are chosen by the address', () => {
    const list = [{ closedAtMs: null }, { closedAtMs: 1 }] as unknown as readonly IncidentSummary[];
    expect(chosen(list, filterOf('open'))).toEqual([{ closedAtMs: null }]);
    expect(chosen(list, filterOf('nonsense'))).toHaveLength(2);
  });

  it('never show a number without its range where there is one', () => {
    const verdict = { estimate: 12.3456, low: 4.1, high: 20.9, unit: '%' } as Verdict;
    expect(evidenceText(verdict)).toBe('12.346 %, plausibly 4.1 … 20.9');
    expect(evidenceText({ ...verdict, estimate: null })).toBe('no evidence');
  });

  it('name the devices that were touched, and count the rest', () => {
    const devices = [{ role: 'none' }, { role: 'serve' }] as Parameters<typeof touchedDevices>[0]['devices'];
    expect(touchedDevices({ devices })).toMatchObject({ touched: [{ role: 'serve' }], restCount: 1 });
  });
});
