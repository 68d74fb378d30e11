// A thread for one simulated drill, so that a kill never waits for a rehearsal. Started by the drills room; not for import.
import { parentPort, workerData } from 'node:worker_threads';
import { runSimulatedDrill, type SimulatedDrill } from './drill-life.ts';

parentPort?.postMessage(runSimulatedDrill(workerData as SimulatedDrill));
