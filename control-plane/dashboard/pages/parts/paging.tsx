// The way through a long list, page by page: where one is stands in the address, so that it can be sent to a colleague.
import { type PageOfList, pagesOf } from './words.ts';

export function Paging(page: PageOfList) {
  const { newest, older } = pagesOf(page);
  if (newest === null && older === null) return null;
  return (
    <nav class="ranges" aria-label="Pages of this list">
      {newest === null ? null : <a href={newest}>Back to the newest</a>}
      {older === null ? <span class="soft">These are the oldest.</span> : <a href={older}>Show older ones</a>}
    </nav>
  );
}
