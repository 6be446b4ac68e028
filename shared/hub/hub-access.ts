import type { Attempted } from '../identity/index.ts';
import { type HubAddress, hostOf } from './connection.ts';
import type { OperationClass } from './throttle-limits.ts';

/**
 * What the calls of each class do, and what they need: a role for an identity, or rights of a shared access policy. Sources: "Control access to IoT
 * Hub by using Microsoft Entra ID", and "… by using shared access signatures".
 */
const needs: Readonly<Record<OperationClass, Pick<Attempted, 'action' | 'role'> & { readonly rights: string }>> = {
  // Of this class, the app makes only one call: the count of the devices.
  identity: { action: 'count devices', role: 'IoT Hub Data Reader', rights: 'registryRead' },
  bulk: { action: 'create modules', role: 'IoT Hub Registry Contributor', rights: 'registryWrite' },
  twinRead: { action: 'read twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  twinUpdate: { action: 'change twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  query: { action: 'query twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  configuration: { action: 'read configurations', role: 'IoT Hub Data Reader', rights: 'registryRead' },
};

/** What a call of this class tries, in the words of an error message. */
export function attemptedBy(operation: OperationClass, address: HubAddress): Attempted {
  return {
    ...needs[operation],
    identity: 'connectionString' in address ? 'key' : address.identity,
    service: `the IoT hub ${hostOf(address).host}`,
  };
}
