import { once } from '../shared/once.ts';
import { type PolicyDefinition, PolicyFaultsError, toPolicySet } from '../shared/policy/index.ts';
import type { App } from './compose.ts';
import { registerFailedStart } from './failed-start.ts';
import { registerFunctions } from './register-functions.ts';
import { readSettings, SettingsError } from './settings.ts';

/**
 * Starts the app: reads the settings from the environment variables, checks the policies, and registers the functions. Never throws. When a
 * setting or a policy is wrong, registers only the function `health`. That function and the log say everything that is wrong.
 *
 * The reason: an app that throws while it loads has no functions, so every address answers 404.
 *
 * @param policies the policies, or a function that loads them. Errors of the function are handled as wrong policies are.
 * @param dashboardFolder the folder with the built files of the dashboard's page
 */
export function start(
  policies: readonly PolicyDefinition[] | (() => readonly PolicyDefinition[]),
  dashboardFolder: string,
): void {
  const errors: unknown[] = [];
  const settings = attempt(() => readSettings(process.env), errors);
  // The policies are checked even when the settings are wrong, so that the log shows all faults of one start.
  const policySet = attempt(() => {
    const definitions = typeof policies === 'function' ? policies() : policies;
    return toPolicySet(definitions, { mode: settings?.mode ?? 'enforce' });
  }, errors);
  if (settings !== undefined && policySet !== undefined) {
    let loaded: App | undefined;
    const load = once(async () => {
      const [{ compose }, { watchLateErrors }] = await Promise.all([
        import('./compose.ts'),
        import('./late-errors.ts'),
      ]);
      const app = compose(settings, policySet);
      watchLateErrors(app);
      loaded = app;
      return app;
    });
    registerFunctions({ settings, load, loaded: () => loaded }, dashboardFolder);
    return;
  }
  for (const error of errors) console.error(isExpected(error) ? error.message : error);
  console.error('Twinkeeper has not started. Only the function health runs, and answers GET /api/health with 503.');
  registerFailedStart(errors.flatMap(describeFaults));
}

/** Returns the result of `run`. When `run` throws, adds the error to `errors` and returns `undefined`. */
function attempt<T>(run: () => T, errors: unknown[]): T | undefined {
  try {
    return run();
  } catch (error) {
    errors.push(error);
    return undefined;
  }
}

function isExpected(error: unknown): error is SettingsError | PolicyFaultsError {
  return error instanceof SettingsError || error instanceof PolicyFaultsError;
}

/**
 * Describes the faults of an error for callers without a key. The value of a setting may be a secret, so no sentence contains one. For the
 * same reason an unexpected error is not shown.
 */
function describeFaults(error: unknown): readonly string[] {
  if (error instanceof SettingsError) return error.faults.map(({ message }) => message);
  if (error instanceof PolicyFaultsError) {
    return error.faults.map(
      ({ policy, path, message }) => `Policy ${policy}${path === '' ? '' : ` at ${path}`}: ${message}`,
    );
  }
  return ["The app met an unexpected error while it started. The app's log has the error."];
}
