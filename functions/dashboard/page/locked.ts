/** The page for a key that the app refuses, in place of everything else. It says what to do, and opens the page with another key. */

import { el, fill, find } from './markup/index.ts';
import { key } from './view/index.ts';

/** Shows the page for a wrong key, or for an address without a key. Does nothing when it is shown already. */
export function showLocked(): void {
  const locked = find('locked');
  if (!locked.hidden) return;
  for (const part of ['main', 'health', 'problem', 'controls']) find(part).hidden = true;
  const title = find('locked-title');
  fill(title, key() === '' ? 'This page needs a key' : 'The key is wrong');
  fill(
    find('locked-why'),
    key() === ''
      ? 'The address of this page has no function key. '
      : 'The app refuses the function key in the address of this page. It may be mistyped, renewed, or the key of another app. ',
    'The data of Twinkeeper opens only with a key, as ',
    el('code', {}, '/api/dashboard?code=KEY'),
    '.',
  );
  find('key-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const query = new URLSearchParams(location.search);
    query.set('code', find('key', HTMLInputElement).value.trim());
    location.search = String(query);
  });
  locked.hidden = false;
  title.focus();
  document.title = 'Wrong key – Twinkeeper';
}
