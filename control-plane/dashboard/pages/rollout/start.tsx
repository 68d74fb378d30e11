// Starting a rollout from the page: a file, its plan with every mistake at its line, then the reason.
import { useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { RolloutPlanAnswer } from '../../../../shared/protocol/api-rollouts.ts';
import { ApiProblem, ask } from '../../api.ts';
import { Action, Cli, Trouble } from '../../shell/kit.tsx';
import { FileBox } from './file-box.tsx';
import { factsOf, mistakesOf, type PlanFacts } from './plan-words.ts';

export function StartRollout({ disabledBecause }: { readonly disabledBecause: string | null }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button
        type="button"
        class="good"
        title={disabledBecause ?? 'Plan a rollout, then start it'}
        onClick={() => dialog.current?.showModal()}
      >
        Plan a rollout
      </button>
      <dialog ref={dialog} class="wide" aria-label="Plan a rollout">
        <Planner disabledBecause={disabledBecause} close={() => dialog.current?.close()} />
      </dialog>
    </>
  );
}

type PlannerProps = { readonly disabledBecause: string | null; readonly close: () => void };

function Planner({ disabledBecause, close }: PlannerProps) {
  const { route } = useLocation();
  const [file, setFile] = useState('');
  const [planned, setPlanned] = useState<{ readonly file: string; readonly answer: RolloutPlanAnswer } | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const plan = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const answer = await ask(endpoint('POST /v1/rollouts/plan'), { file });
      setPlanned({ file, answer });
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) }));
    }
  };
  const facts = planned?.file === file ? factsOf(planned.answer) : null;
  const override = (facts?.needsOverride.length ?? 0) > 0;
  const start = async (reason: string): Promise<void> => {
    const { id } = await ask(endpoint('POST /v1/rollouts'), { file, reason, ...(override ? { override } : {}) });
    close();
    route(`/rollouts/${id}`);
  };
  return (
    <>
      <h2>Plan a rollout</h2>
      <form onSubmit={plan}>
        <FileBox label="The rollout file (YAML)" value={file} set={setFile} />
        <p>
          <button type="submit" disabled={file.trim() === ''}>
            See the plan
          </button>{' '}
          <span class="soft">It starts nothing.</span>
        </p>
      </form>
      <Cli command="belay rollout plan FILE" />
      {problem === null ? null : <Trouble problem={problem} />}
      {planned === null ? null : <Mistakes file={planned.file} problems={planned.answer.problems} />}
      {facts === null ? null : <PlanShown facts={facts} />}
      <p class="acts">
        <Action
          word={override ? 'Start, over what stands above' : 'Start'}
          says="Start this rollout as planned"
          command={`belay rollout start FILE --reason REASON${override ? ' --override' : ''}`}
          tone="good"
          disabledBecause={disabledBecause ?? whyNot(facts)}
          run={start}
        />
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </>
  );
}

function whyNot(facts: PlanFacts | null): string | null {
  if (facts === null) return 'see the plan of these words first';
  return facts.refusals.length === 0 ? null : `it may not start: ${facts.refusals[0]}`;
}

function Mistakes({ file, problems }: { readonly file: string; readonly problems: RolloutPlanAnswer['problems'] }) {
  const mistakes = mistakesOf(file, problems);
  if (mistakes.length === 0) return null;
  return (
    <section role="alert" class="mistakes">
      <h3>{problems.length === 1 ? 'One mistake' : `${problems.length} mistakes`} in the file</h3>
      <ol>
        {mistakes.map(({ line, text, messages }) => (
          <li key={line}>
            <strong>line {line}</strong> <code>{text}</code>
            {messages.map((message) => (
              <div key={message}>{message}</div>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function PlanShown({ facts }: { readonly facts: PlanFacts }) {
  return (
    <section class="plan" aria-live="polite">
      <h3>The plan</h3>
      {facts.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Devices by site</th>
              <th scope="col">Smallest regression it sees</th>
            </tr>
          </thead>
          <tbody>
            {facts.stages.map(({ name, sites, sees }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{sites}</td>
                <td>{sees}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Lines title="It may not start" lines={facts.refusals} tone="bad" />
      <Lines title="Only over a doubt" lines={facts.needsOverride} tone="warn" />
      <Lines title="Worth knowing" lines={facts.warnings} tone="soft" />
    </section>
  );
}

function Lines({
  title,
  lines,
  tone,
}: {
  readonly title: string;
  readonly lines: readonly string[];
  readonly tone: string;
}) {
  if (lines.length === 0) return null;
  return (
    <div class={`lines ${tone}`}>
      <h4>{title}</h4>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
