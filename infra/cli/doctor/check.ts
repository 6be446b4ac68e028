import type { Clock } from '../../../shared/clock.ts';
import type { Deployment } from './deployment.ts';
import type { DeviceTags } from './device-tags.ts';
import type { Finding } from './finding.ts';
import type { RunningApp } from './running-app.ts';

/** Everything that a check may look at. */
export interface Surroundings {
  readonly deployment: Deployment;
  /** The running app. Absent when nobody gave its address. */
  readonly app?: RunningApp;
  /** The device whose tag may be changed. Absent: no device. */
  readonly device?: string;
  /** Opens the tags of the hub's devices. */
  openTags(hubHostName: string): Promise<DeviceTags>;
  readonly clock: Clock;
  /** The version of this command, and of the Node that runs it. */
  readonly command: { readonly version: string; readonly node: string };
  /** Aborted when the person at the terminal has pressed Ctrl+C. */
  readonly signal: AbortSignal;
  /** Shows a line about a check that takes long. */
  onProgress(text: string): void;
}

/** One thing that can be wrong with a deployment. */
export interface Check {
  /** A name that does not change, for scripts. */
  readonly id: string;
  /** What is looked at, for people. */
  readonly title: string;
  /** Looks, and changes nothing, except the check of events. A rejection means that the check could not look. */
  run(surroundings: Surroundings): Promise<readonly Finding[]>;
}
