// What the control plane runs with, to read: it is changed in its file, and with a restart.
import { endpoint } from '../../../../shared/protocol/address.ts';
import { session } from '../../api.ts';
import { useResource } from '../../live/resource.ts';
import { Trouble } from '../../shell/kit.tsx';
import { Panel, Scroll } from '../parts/parts.tsx';
import { whyNotRight } from './settings-words.ts';

export function ConfigPanel() {
  const whyNot = whyNotRight(session.value, 'administer');
  return (
    <Panel title="Configuration in force" wide>
      {whyNot === null ? <Settings /> : <p>{whyNot}</p>}
    </Panel>
  );
}

function Settings() {
  const { value, problem, refresh } = useResource(endpoint('GET /v1/config'));
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  return (
    <>
      <p>It is read from the file given with --config when the control plane starts; here it can only be read.</p>
      <Scroll label="Configuration in force">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {value.settings.map(({ key, value: text, isDefault }) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td>
                <code>{text}</code>
              </td>
              <td>{isDefault ? 'default' : <b>said</b>}</td>
            </tr>
          ))}
        </tbody>
      </Scroll>
    </>
  );
}
