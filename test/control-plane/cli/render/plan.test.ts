// The plan as people read it before they start.
import { describe, expect, it } from 'vitest';
import { renderPlan } from '../../../../control-plane/cli/render/plan.ts';
import { plan } from '../recorded-documents.ts';
import { tooWide } from '../run-belay.ts';
import { plain, tagged } from './tints.ts';

describe('renderPlan', () => {
  it('says who gets the candidate when, on 80 columns', () => {
    const text = renderPlan(plan(), plain);
    expect(tooWide(text)).toEqual([]);
    expect(text).toBe(
      [
        'Plan      detector-2   owner vision team (backup on-call)',
        'Release   cv-detector:1.8.2+data=b4f7a1 on 4',
        '          → cv-detector:2.0.0+data=3ce470',
        'Soonest   2 h of bake time',
        '',
        'STAGE  MODE    BAKE    DEVICES  CONTROLS  WHO',
        'first  shadow  60 min  1        3         plant-a: cam-a1; plant-b: none',
        'full   serve   60 min  4        0         plant-a: all 2; plant-b: all 2',
        '',
        'GUARDRAIL    LIMIT    WHEN BROKEN  STAGES',
        'p95 latency  ≤ +10 %  rollback     first',
        '',
        '✔ release registered: registered 2 d ago',
      ].join('\n'),
    );
  });

  it('shows ticket and labels where the file has them', () => {
    const text = renderPlan(plan({ ticket: 'CHG-1042', labels: { line: 'weld', shift: 'late' } }), plain);
    expect(text.split('\n')[1]).toBe('About     ticket CHG-1042   line=weld   shift=late');
  });

  it('names everything that stands in the way: facts, devices, refusals', () => {
    const blocked = {
      site: 'plant-b',
      device: 'cam-b1',
      hardwareClass: 'linux-x64',
      line: null,
      position: 0,
      baseline: null,
      pin: null,
      online: false,
      blocked: ['offline for 3 h', 'its baseline is not known'],
    };
    const text = renderPlan(
      plan({
        baselines: [],
        devices: [blocked],
        excluded: [{ site: 'plant-c', device: 'cam-c1', why: 'pinned to the baseline' }],
        readiness: [{ fact: 'owners', ok: false, detail: 'no backup is named' }],
        warnings: ['plant-c cannot see micro-cracks'],
        refusals: ['cv-detector:2.0.0 is withdrawn'],
      }),
      tagged,
    );
    expect(text).toContain('Release   no known baseline');
    expect(text).toContain('<bad:✘> owners: no backup is named');
    expect(text).toContain('<warn:plant-b/cam-b1: offline for 3 h; its baseline is not known>');
    expect(text).toContain('plant-c/cam-c1 left out: pinned to the baseline');
    expect(text).toContain('<warn:note: plant-c cannot see micro-cracks>');
    expect(text).toContain('<bad:cannot start: cv-detector:2.0.0 is withdrawn>');
  });
});
