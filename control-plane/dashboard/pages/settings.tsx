// Settings: one's own account, tokens, people and their roles, sites, webhooks. The section stands in the address.
import { useLocation } from 'preact-iso';
import '../styles/rest.css';
import { People } from './settings/people.tsx';
import { SECTIONS, type SectionName, sectionOf } from './settings/settings-words.ts';
import { Sites } from './settings/sites.tsx';
import { Tokens } from './settings/tokens.tsx';
import { You } from './settings/you.tsx';

export function SettingsPage() {
  const section = sectionOf(useLocation().query.section);
  return (
    <div class="rest">
      <h1>Settings</h1>
      <nav class="ranges" aria-label="Sections">
        {SECTIONS.map(([name, word]) => (
          <a key={name} href={`/settings?section=${name}`} aria-current={name === section ? 'page' : undefined}>
            {word}
          </a>
        ))}
      </nav>
      <div class="columns">
        <Section name={section} />
      </div>
    </div>
  );
}

function Section({ name }: { readonly name: SectionName }) {
  switch (name) {
    case 'you':
      return <You />;
    case 'tokens':
      return <Tokens />;
    case 'people':
      return <People />;
    case 'sites':
      return <Sites />;
  }
}
