// Which page lies at which address, and how the navigation and the keyboard name it. Each page is loaded when it is first opened.
import type { FunctionComponent } from 'preact';
import { lazy } from 'preact-iso';

export type PageEntry = {
  /** Pattern of preact-iso. */
  readonly path: string;
  readonly title: string;
  /** In the navigation: its word, and the key after `g`. Left out: it is reached from another page. */
  readonly menu?: { readonly word: string; readonly key: string };
  readonly page: FunctionComponent;
};

/** Loaded as soon as somebody reaches for it. */
export const loadKill = () => import('./pages/kill.tsx').then((module) => module.KillPage);

/** Where its code does not come, the server's own page does: it needs none. */
export const KillPage = lazy(() =>
  loadKill().catch((error: unknown) => {
    location.reload();
    throw error;
  }),
);

export const PAGES: readonly PageEntry[] = [
  {
    path: '/',
    title: 'Fleet',
    menu: { word: 'Fleet', key: 'f' },
    page: lazy(() => import('./pages/fleet.tsx').then((module) => module.FleetPage)),
  },
  {
    path: '/rollouts',
    title: 'Rollouts',
    menu: { word: 'Rollouts', key: 'r' },
    page: lazy(() => import('./pages/rollouts.tsx').then((module) => module.RolloutsPage)),
  },
  {
    path: '/devices/:site/:device',
    title: 'Device',
    page: lazy(() => import('./pages/device.tsx').then((module) => module.DevicePage)),
  },
  {
    path: '/models',
    title: 'Models',
    menu: { word: 'Models', key: 'm' },
    page: lazy(() => import('./pages/models.tsx').then((module) => module.ModelsPage)),
  },
  {
    path: '/models/:reference',
    title: 'Model',
    page: lazy(() => import('./pages/model.tsx').then((module) => module.ModelPage)),
  },
  {
    path: '/incidents',
    title: 'Incidents',
    menu: { word: 'Incidents', key: 'i' },
    page: lazy(() => import('./pages/incidents.tsx').then((module) => module.IncidentsPage)),
  },
  {
    path: '/incidents/:id',
    title: 'Incident',
    page: lazy(() => import('./pages/incident.tsx').then((module) => module.IncidentPage)),
  },
  {
    path: '/audit',
    title: 'Audit',
    menu: { word: 'Audit', key: 'a' },
    page: lazy(() => import('./pages/audit.tsx').then((module) => module.AuditPage)),
  },
  {
    path: '/settings',
    title: 'Settings',
    menu: { word: 'Settings', key: 's' },
    page: lazy(() => import('./pages/settings.tsx').then((module) => module.SettingsPage)),
  },
  { path: '/kill', title: 'Kill switch', page: KillPage },
  { path: '/kill/:id', title: 'Kill', page: KillPage },
  {
    path: '/rollouts/:id',
    title: 'Rollout',
    page: lazy(() => import('./pages/rollout.tsx').then((module) => module.RolloutPage)),
  },
];
