// A small form of these pages: labelled fields, one button, the refusal where it was asked.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { ApiProblem } from '../../api.ts';
import { Trouble } from '../../shell/kit.tsx';

export type FieldFacts = {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'password' | 'number';
  readonly value?: string;
  readonly placeholder?: string;
  readonly optional?: boolean;
  readonly autocomplete?: string;
  readonly min?: number;
};

export type FormProps = {
  readonly word: string;
  readonly fields: readonly FieldFacts[];
  /** Why it cannot be done now; null when it can. */
  readonly disabledBecause?: string | null;
  readonly send: (values: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly children?: ComponentChildren;
};

/** Fields are emptied when it was done. */
export function SmallForm({ word, fields, disabledBecause = null, send, children }: FormProps) {
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [isDone, setIsDone] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
    setIsDone(false);
    try {
      await send(values);
      form.reset();
      setProblem(null);
      setIsDone(true);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) }));
    }
  };
  return (
    <form class="filters" onSubmit={submit}>
      {fields.map((field) => (
        <Field key={field.name} field={field} />
      ))}
      {children}
      <button type="submit" disabled={disabledBecause !== null} title={disabledBecause ?? word}>
        {word}
      </button>
      {disabledBecause === null ? null : <small class="why-not">{disabledBecause}</small>}
      {isDone ? <small role="status">✓ Done.</small> : null}
      {problem === null ? null : <Trouble problem={problem} />}
    </form>
  );
}

function Field({ field }: { readonly field: FieldFacts }) {
  const id = useId();
  return (
    <label for={id}>
      {field.label}
      <Input id={id} field={field} />
    </label>
  );
}

function Input({ id, field }: { readonly id: string; readonly field: FieldFacts }) {
  const { name, type = 'text', value = '', placeholder = '', optional = false, autocomplete = 'off', min = 0 } = field;
  const rest = { id, name, defaultValue: value, required: !optional, placeholder, autocomplete, maxLength: 1000 };
  if (type === 'number') return <input type="number" min={min} {...rest} />;
  if (type === 'password') return <input type="password" minLength={min} {...rest} />;
  return <input type="text" {...rest} />;
}
