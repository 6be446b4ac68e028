/** Computes the departures from policies that the twins show now, from the policies and the twins alone. Pure functions. */
import type { Policy } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { departuresOfTwin, type InjectedDeparture, missingModules, wantedModules } from './departures.ts';
import type { DemoDevice } from './fleet.ts';

/**
 * The departures from policies on these devices. `modules` holds the desired properties of each module twin, by device id and module id. A
 * module that is not in `modules` is missing.
 */
export function visibleDepartures(
  devices: readonly DemoDevice[],
  modules: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>,
  policies: readonly Policy[],
): readonly InjectedDeparture[] {
  return devices.flatMap((device) => {
    const ofDevice = modules.get(device.deviceId);
    return wantedModules(policies, device).flatMap((moduleId) => {
      const desired = ofDevice?.get(moduleId);
      return desired === undefined
        ? missingModules(policies, device, [moduleId])
        : departuresOfTwin(policies, device, moduleId, desired);
    });
  });
}
