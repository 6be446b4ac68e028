import { hasColour } from '../view/colour.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import type { HistorySource } from './history-source.ts';

/** `twinkeeper device ID --at TIME`: prints which policies were in force for a device, and what was out of line. */
export async function showDeviceAt(
  history: HistorySource,
  deviceId: string,
  at: string,
  isJson: boolean,
): Promise<void> {
  const device = await history.deviceAt(deviceId, at);
  if (device.policies.length === 0 && device.open.length === 0) {
    throw new Error(
      `Nothing is known about ${safeText(deviceId)} at ${at}: the record of policies begins later, and the history has no row of that time.`,
    );
  }
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = device.open.length === 0 ? 0 : 2;
  if (isJson) {
    process.stdout.write(`${safeJson(device)}\n`);
    return;
  }
  const { renderDeviceAt } = await import('../view/past-view.ts');
  process.stdout.write(`${renderDeviceAt(device, hasColour(process.stdout))}\n`);
}
