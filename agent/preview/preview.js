// Asks for the page again every second and takes over its contents, pictures loaded first so that nothing flickers.
const PERIOD_MS = 1000;

async function renew() {
  const response = await fetch('/', { cache: 'no-store' });
  if (!response.ok) throw new Error(String(response.status));
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('main');
  await Promise.all([...fresh.querySelectorAll('img')].map((image) => image.decode().catch(() => undefined)));
  document.querySelector('main').replaceWith(document.adoptNode(fresh));
}

async function goOn() {
  const isStale = await renew().then(
    () => false,
    () => true,
  );
  document.getElementById('stale').hidden = !isStale;
  setTimeout(goOn, PERIOD_MS);
}

setTimeout(goOn, PERIOD_MS);
