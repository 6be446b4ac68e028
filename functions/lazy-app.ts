import type { App } from './compose.ts';
import type { Settings } from './settings.ts';

/**
 * The app at its start. It has what the registration of the functions needs, and loads the rest with the first invocation. The app then
 * starts fast, and a function loads only the code that it needs.
 */
export interface LazyApp {
  readonly settings: Settings;
  /** Loads and creates the components of the app on the first call. Each later call returns the same components. */
  load(): Promise<App>;
  /** The components of the app. `undefined` before {@link LazyApp.load} has created them. */
  loaded(): App | undefined;
}
