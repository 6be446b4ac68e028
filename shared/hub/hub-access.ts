import type { Attempted } from '../identity/index.ts';
import { type HubAddress, hostOf } from './connection.ts';
import type { OperationClass } from './throttle-limits.ts';

/** What a call does: what its class says, or something else of the same class. */
export type Deed = OperationClass | 'changeJobs' | 'readJobs' | 'readModule';

/**
 * What the calls do, and what they need: a role for an identity, or rights of a shared access policy. Sources: "Control access to IoT
 * Hub by using Microsoft Entra ID", and "… by using shared access signatures".
 */
const needs: Readonly<Record<Deed, Pick<Attempted, 'action' | 'role'> & { readonly rights: string }>> = {
  identity: { action: 'count devices', role: 'IoT Hub Data Reader', rights: 'registryRead' },
  changeJobs: { action: 'run import and export jobs', role: 'Twinkeeper jobs', rights: 'registryWrite' },
  readJobs: { action: 'read jobs', role: 'IoT Hub Data Reader', rights: 'registryRead' },
  readModule: { action: 'read modules', role: 'IoT Hub Registry Contributor', rights: 'registryRead' },
  bulk: { action: 'create modules', role: 'IoT Hub Registry Contributor', rights: 'registryWrite' },
  twinRead: { action: 'read twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  twinUpdate: { action: 'change twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  query: { action: 'query twins', role: 'IoT Hub Twin Contributor', rights: 'service' },
  configuration: { action: 'read configurations', role: 'IoT Hub Data Reader', rights: 'registryRead' },
};

/** What a call tries, in the words of an error message. */
export function attemptedBy(deed: Deed, address: HubAddress): Attempted {
  return {
    ...needs[deed],
    identity: 'connectionString' in address ? 'key' : address.identity,
    service: `the IoT hub ${hostOf(address).host}`,
  };
}
