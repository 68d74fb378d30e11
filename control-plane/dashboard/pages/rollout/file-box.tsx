// A text of a rollout file: to paste into, or to fill from a file on this machine.

/** As the server takes. */
const BYTES_MAX = 65_536;

type Box = { readonly label: string; readonly value: string; readonly set: (text: string) => void };

export function FileBox({ label, value, set }: Box) {
  const take = (files: FileList | null): void => {
    const file = files?.[0];
    if (file) void file.slice(0, BYTES_MAX).text().then(set);
  };
  return (
    <>
      <label class="file">
        {label}
        <textarea
          rows={14}
          spellcheck={false}
          maxLength={BYTES_MAX}
          value={value}
          onInput={(event) => set(event.currentTarget.value)}
        />
      </label>
      <label>
        or from this machine{' '}
        <input type="file" accept=".yaml,.yml,.txt" onChange={(event) => take(event.currentTarget.files)} />
      </label>
    </>
  );
}
