import { catchLateErrors, type LateError } from '../shared/policy/index.ts';
import { workForModule } from '../shared/reconcile/index.ts';
import type { App } from './compose.ts';

/**
 * Catches errors that functions of policies throw after they returned, so that they do not end the process. Records each error as a
 * `policyError` of its policy and device. Call this function once in a process.
 */
export function watchLateErrors({ policies, reconcilerFor, now }: App): void {
  // When no policy has a function, no late error is possible. The handlers are then not installed, because they change how the process
  // treats errors.
  const hasFunctions = policies.all.some(
    ({ evaluate, scope }) => evaluate !== undefined || scope.definition === undefined,
  );
  if (!hasFunctions) return;
  // Handles one device after the other, because a broken policy can fail for the whole fleet at once.
  let last = Promise.resolve();
  catchLateErrors((late) => {
    last = last.then(() => record(late));
  });

  async function record({ call, message }: LateError): Promise<void> {
    const { policy: name, deviceId } = call;
    console.error(`The policy ${name} failed for the device ${deviceId}: ${message}`);
    const moduleId = call.moduleId ?? policies.all.find((policy) => policy.name === name)?.module ?? '';
    try {
      const work = workForModule(policies, deviceId, moduleId, { version: 0, at: now().toISOString(), exact: false });
      // The pass over the device calls the function again, gets the late error as its result, and records it.
      await reconcilerFor(console).reconcile([work], 'event');
    } catch (error) {
      console.error(`The error of the policy ${name} for the device ${deviceId} was not recorded: ${String(error)}`);
    }
  }
}
