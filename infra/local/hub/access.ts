/**
 * The rights that the operations of the service API need. A caller with a shared access policy needs one right of its policy ("Control
 * access to IoT Hub with shared access signatures"). A caller with a token of Microsoft Entra ID needs data actions of its roles ("Control
 * access to IoT Hub by using Microsoft Entra ID").
 */

/** The rights that a shared access policy can have. IoT Hub's documentation calls `service` ServiceConnect, and `device` DeviceConnect. */
export const accessRights = ['registryRead', 'registryWrite', 'service', 'device'] as const;

export type AccessRight = (typeof accessRights)[number];

const dataActionPrefix = 'Microsoft.Devices/IotHubs/';

/** A data action of IoT Hub. Role definitions contain data actions, or patterns of them. */
export type DataAction = `${typeof dataActionPrefix}${string}`;

/** The rights that one operation needs. A shared access policy needs `right`. A principal needs each of `dataActions`. */
export interface Access {
  readonly right: AccessRight;
  readonly dataActions: readonly DataAction[];
}

/**
 * The rights of each kind of operation. The documentation names no right of a shared access policy for statistics, configurations and jobs. They
 * belong to the registry here, which is the narrower choice.
 */
export const access = {
  readIdentity: needs('registryRead', 'devices/read'),
  writeIdentity: needs('registryWrite', 'devices/write'),
  deleteIdentity: needs('registryWrite', 'devices/delete'),
  bulk: needs('registryWrite', 'devices/write', 'devices/delete'),
  readTwin: needs('service', 'twins/read'),
  writeTwin: needs('service', 'twins/write'),
  query: needs('service', 'twins/read'),
  readStatistics: needs('registryRead', 'statistics/read'),
  readConfiguration: needs('registryRead', 'configurations/read'),
  writeConfiguration: needs('registryWrite', 'configurations/write'),
  deleteConfiguration: needs('registryWrite', 'configurations/delete'),
  readJob: needs('registryRead', 'jobs/read'),
  writeJob: needs('registryWrite', 'jobs/write'),
  deleteJob: needs('registryWrite', 'jobs/delete'),
} satisfies Record<string, Access>;

function needs(right: AccessRight, ...dataActions: readonly string[]): Access {
  return { right, dataActions: dataActions.map((action): DataAction => `${dataActionPrefix}${action}`) };
}
