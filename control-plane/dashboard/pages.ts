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
    path: '/rollouts/:id',
    title: 'Rollout',
    page: lazy(() => import('./pages/rollout.tsx').then((module) => module.RolloutPage)),
  },
];
