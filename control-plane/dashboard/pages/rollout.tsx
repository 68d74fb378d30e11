// One rollout: the verdict in a sentence, the ladder, what can be done, and the evidence. It follows the stream.
import { useEffect } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type Resource, useResource, type Watched } from '../live/resource.ts';
import { Trouble } from '../shell/kit.tsx';
import '../styles/rollouts.css';
import '../styles/charts.css';
import { Actions } from './rollout/act.tsx';
import { Devices, Factories } from './rollout/devices.tsx';
import { withQuery } from './rollout/filters.ts';
import { Forest } from './rollout/forest-plot.tsx';
import { Head } from './rollout/head.tsx';
import { Ladder } from './rollout/ladder.tsx';
import { Latency } from './rollout/latency.tsx';
import { Pairs } from './rollout/pairs-plot.tsx';
import { Shadow } from './rollout/shadow.tsx';
import { Matrix } from './rollout/slices.tsx';
import { Tiles } from './rollout/tiles.tsx';
import { Timeline } from './rollout/timeline.tsx';
import { chosenGuardrail } from './rollout/verdict-words.ts';

/** Figures move also while no decision is taken, and nobody is told of that. */
const REREAD_MS = 20_000;

export function RolloutPage() {
  const { params } = useRoute();
  const { path, query, route } = useLocation();
  const { id = '' } = params;
  // A name is an address too, and changes are told by id.
  const watches: readonly Watched[] = [{ resource: 'rollout' }];
  const view = useResource(endpoint('GET /v1/rollouts/:id', { id }), watches);
  const course = useResource(endpoint('GET /v1/rollouts/:id/course', { id }), watches);
  const arms = useResource(endpoint('GET /v1/rollouts/:id/arms', { id }), watches);
  const chosen = view.value === null ? null : chosenGuardrail(view.value, query.guardrail);
  const asked = endpoint('GET /v1/rollouts/:id/evidence', { id, guardrail: chosen });
  const evidence = useResource(view.value === null ? null : asked, watches);
  useReread([view, course, evidence, arms], view.value?.endedAtMs === null);
  if (view.value === null)
    return view.problem === null ? <p>Reading …</p> : <Trouble problem={view.problem} retry={view.refresh} />;
  const set = (change: Readonly<Record<string, string>>) => route(withQuery(path, query, change), true);
  const parts = { view: view.value, course: course.value, evidence: evidence.value, arms: arms.value, query, set };
  return (
    <article class="rollout">
      {view.problem === null ? null : <Trouble problem={view.problem} retry={view.refresh} />}
      <Head {...parts} readAtMs={view.readAtMs} />
      <Ladder view={view.value} />
      <Actions view={view.value} refresh={view.refresh} />
      <Tiles {...parts} />
      <Latency {...parts} />
      <Forest {...parts} chosen={chosen} />
      <Pairs {...parts} chosen={chosen} problem={evidence.problem} />
      <Matrix {...parts} />
      <Shadow {...parts} />
      <Factories {...parts} />
      <Devices {...parts} />
      <Timeline view={view.value} />
    </article>
  );
}

function useReread(resources: readonly Pick<Resource<unknown>, 'refresh'>[], isOpen: boolean): void {
  useEffect(() => {
    if (!isOpen) return;
    const timer = setInterval(() => {
      if (!document.hidden) for (const { refresh } of resources) refresh();
    }, REREAD_MS);
    return () => clearInterval(timer);
  }, [isOpen]);
}
