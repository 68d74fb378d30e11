// Checks of a rollout file about how its stages end: bake and soak, approvals, holdback, and the schedule that growth waits for.
// They read the raw document, so that a mistake elsewhere does not hide these.
import { suggestion } from './nearest-word.ts';

type Raw = Readonly<Record<string, unknown>>;
type Problem = { readonly path: readonly (string | number)[]; readonly message: string };

export function checkStageEnds(spec: unknown): Problem[] {
  const { stages, owners } = rawOf(spec);
  const list = Array.isArray(stages) ? stages : [];
  return list.flatMap((stage, index) => {
    if (typeof stage !== 'object' || stage === null) return [];
    const facts = {
      stage: rawOf(stage),
      isLast: index === list.length - 1,
      approvers: namesOf(rawOf(owners).approvers),
    };
    return [...checkBake(facts), ...checkApprovals(facts)].map(({ path, message }) => ({
      path: ['spec', 'stages', index, ...path],
      message,
    }));
  });
}

type StageFacts = { readonly stage: Raw; readonly isLast: boolean; readonly approvers: readonly string[] };

function checkBake({ stage, isLast }: StageFacts): Problem[] {
  const { bake, soak, judge } = stage;
  const problems: Problem[] = [];
  if (bake === undefined && soak === undefined) problems.push({ path: ['bake'], message: 'is required (a text)' });
  if (bake !== undefined && soak !== undefined)
    problems.push({ path: ['soak'], message: 'give bake or soak, not both' });
  if (soak !== undefined && !isLast)
    problems.push({ path: ['soak'], message: 'is the bake of the last stage: use bake here' });
  const isByNoBreach = judge !== undefined && judge !== 'range';
  if (isByNoBreach && !isLast)
    problems.push({ path: ['judge'], message: 'may be noBreach on the last stage only: earlier ones must prove more' });
  return problems;
}

function checkApprovals({ stage, approvers }: StageFacts): Problem[] {
  const { promote, approvals, signoff } = stage;
  const isApproved = promote === 'approval' || (signoff !== undefined && signoff !== null);
  if (approvals !== undefined && !isApproved) return [{ path: ['approvals'], message: 'needs "promote: approval"' }];
  const needed = typeof approvals === 'number' ? approvals : 1;
  if (!isApproved || approvers.length === 0 || needed <= approvers.length) return [];
  return [{ path: ['approvals'], message: `asks for ${needed}, and owners.approvers names ${approvers.length}` }];
}

/** What is seen in one factory only is seen in its slice. */
export function checkFactoryScope(spec: unknown): Problem[] {
  const { abort, analysis } = rawOf(spec);
  const { slices } = rawOf(analysis);
  if (rawOf(abort).factoryScope !== true || slices === undefined) return [];
  if (namesOf(slices).some((name) => name.startsWith('factory'))) return [];
  return [
    { path: ['spec', 'abort', 'factoryScope'], message: 'needs "factory" or "factory>=8" among analysis.slices' },
  ];
}

export function checkSchedule(spec: unknown): Problem[] {
  const { schedule, cohort } = rawOf(spec);
  if (typeof schedule !== 'object' || schedule === null) return [];
  const { tz, sites, windows, freeze, peak } = rawOf(schedule);
  const factories = namesOf(rawOf(cohort).factories);
  const named = Object.keys(rawOf(sites));
  const problems: Problem[] = [];
  if (windows === undefined && freeze === undefined && peak === undefined)
    problems.push({ path: [], message: 'names neither windows nor freeze: leave it out' });
  if (tz !== 'factory' && named.length > 0)
    problems.push({ path: ['sites'], message: 'needs "tz: factory": each site by its own clock' });
  if (tz === 'factory' && named.length === 0)
    problems.push({ path: ['tz'], message: 'needs the time zone of each site: sites: {plant-a: Europe/Berlin}' });
  if (tz === 'factory' && named.length > 0 && factories.length > 0) {
    for (const site of factories.filter((factory) => !named.includes(factory)))
      problems.push({ path: ['sites'], message: `has no time zone for ${site}` });
    for (const site of named.filter((name) => !factories.includes(name)))
      problems.push({
        path: ['sites', site],
        message: `"${site}" is not among cohort.factories${suggestion(site, factories)}`,
      });
  }
  return problems.map(({ path, message }) => ({ path: ['spec', 'schedule', ...path], message }));
}

function rawOf(input: unknown): Raw {
  return typeof input === 'object' && input !== null ? (input as Raw) : {};
}

function namesOf(input: unknown): readonly string[] {
  return Array.isArray(input) ? input.filter((name) => typeof name === 'string') : [];
}
