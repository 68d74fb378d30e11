// Every figure of the benchmark, cheap ones first.
import { apiRequests } from './api-requests.ts';
import { cliStart } from './cli-start.ts';
import { dashboardPage } from './dashboard-page.ts';
import type { Figure } from './figure.ts';
import { frameAge } from './frame-age.ts';
import { gap } from './gap.ts';
import { killEffect } from './kill-effect.ts';
import { memory } from './memory.ts';
import { pageRedraw } from './page-redraw.ts';
import { pipelineFps } from './pipeline-fps.ts';
import { ringHandover } from './ring-handover.ts';
import { sensorsSample } from './sensors-sample.ts';
import { shadowCost } from './shadow-cost.ts';
import { soakRss } from './soak-rss.ts';
import { supervisorLag } from './supervisor-lag.ts';
import { swapCold } from './swap-cold.ts';
import { swapWarm } from './swap-warm.ts';
import { wall } from './wall.ts';

export const figures: readonly Figure[] = [
  cliStart,
  apiRequests,
  sensorsSample,
  ringHandover,
  pageRedraw,
  dashboardPage,
  wall,
  frameAge,
  memory,
  supervisorLag,
  swapWarm,
  swapCold,
  gap,
  shadowCost,
  killEffect,
  ...pipelineFps,
  soakRss,
];
