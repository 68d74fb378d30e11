// Every figure of the benchmark, cheap ones first: what each is called, and where to load what measures it.
import type { Figure } from './figure.ts';

/** What is known of a figure before anything of it is loaded: all that choosing takes. */
export type ListedFigure = Pick<Figure, 'id' | 'rows' | 'onlyWhenAsked'> & { readonly load: () => Promise<Figure> };

export const figures: readonly ListedFigure[] = [
  { id: 'cli.start', rows: ['version', 'help'], load: async () => (await import('./cli-start.ts')).cliStart },
  {
    id: 'api.requests',
    rows: ['rollouts', 'devices'],
    load: async () => (await import('./api-requests.ts')).apiRequests,
  },
  {
    id: 'sensors.sample',
    rows: ['machine', 'orin'],
    load: async () => (await import('./sensors-sample.ts')).sensorsSample,
  },
  { id: 'ring.handover', load: async () => (await import('./ring-handover.ts')).ringHandover },
  { id: 'page.redraw', load: async () => (await import('./page-redraw.ts')).pageRedraw },
  { id: 'page', rows: ['weight', 'paint'], load: async () => (await import('./dashboard-page.ts')).dashboardPage },
  { id: 'wall', rows: ['10000'], load: async () => (await import('./wall.ts')).wall },
  { id: 'frame.age', rows: ['calm', 'busy'], load: async () => (await import('./frame-age.ts')).frameAge },
  {
    id: 'memory',
    rows: ['control-plane', 'supervisor', 'source', 'runner-baseline', 'runner-candidate'],
    load: async () => (await import('./memory.ts')).memory,
  },
  { id: 'supervisor.lag', load: async () => (await import('./supervisor-lag.ts')).supervisorLag },
  { id: 'swap.warm', load: async () => (await import('./swap-warm.ts')).swapWarm },
  { id: 'swap.cold', load: async () => (await import('./swap-cold.ts')).swapCold },
  { id: 'gap', rows: ['sigkill', 'segv', 'hang'], load: async () => (await import('./gap.ts')).gap },
  { id: 'shadow', rows: ['p50', 'p95'], load: async () => (await import('./shadow-cost.ts')).shadowCost },
  { id: 'kill.effect', rows: ['p50', 'p99'], load: async () => (await import('./kill-effect.ts')).killEffect },
  pipeline('small.raw'),
  pipeline('small.jpeg'),
  pipeline('medium.raw'),
  pipeline('medium.jpeg'),
  pipeline('yolov8n.raw'),
  pipeline('yolov8n.jpeg'),
  {
    id: 'soak.rss',
    rows: ['supervisor', 'source', 'runner'],
    onlyWhenAsked: true,
    load: async () => (await import('./soak-rss.ts')).soakRss,
  },
];

function pipeline(which: string): ListedFigure {
  const id = `pipeline.fps.${which}`;
  const load = async (): Promise<Figure> => {
    const found = (await import('./pipeline-fps.ts')).pipelineFps.find((figure) => figure.id === id);
    if (found === undefined) throw new Error(`no figure ${id} is measured`);
    return found;
  };
  return { id, load };
}
