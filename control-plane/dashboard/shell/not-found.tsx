// The page for an address that has none.
import { PAGES } from '../pages.ts';

export function NotFoundPage() {
  return (
    <section class="empty">
      <h1>There is no page at this address</h1>
      <p>It may be mistyped, or of another version of Belay. These are the pages:</p>
      <ul>
        {PAGES.flatMap(({ path, menu }) =>
          menu
            ? [
                <li key={path}>
                  <a href={path}>{menu.word}</a>
                </li>,
              ]
            : [],
        )}
      </ul>
    </section>
  );
}
