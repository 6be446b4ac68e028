/** The departures that the twins show now, computed from the policies and the twins alone. Pure. */
import type { Policy } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { departuresOfTwin, type InjectedDeparture, missingModules, wantedModules } from './departures.ts';
import type { DemoDevice } from './fleet.ts';

/** The departures on these devices. `modules` holds the desired properties by device and module. */
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
