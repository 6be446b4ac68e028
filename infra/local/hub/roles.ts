/** The built-in roles of Azure for IoT Hub's service API, with their data actions ("Azure built-in roles for Internet of Things"). */
import type { AssignedRole } from '../entra/index.ts';
import type { DataAction } from './access.ts';

interface RoleDefinition {
  readonly name: string;
  /** Patterns of data actions. `*` stands for any text. */
  readonly dataActions: readonly string[];
}

/** The role definitions by id. */
const roleDefinitions: Readonly<Record<string, RoleDefinition>> = {
  '4fc6c259-987e-4a07-842e-c321cc9d413f': {
    name: 'IoT Hub Data Contributor',
    dataActions: ['Microsoft.Devices/IotHubs/*'],
  },
  'b447c946-2db7-41ec-983d-d8bf3b1c77e3': {
    name: 'IoT Hub Data Reader',
    dataActions: ['Microsoft.Devices/IotHubs/*/read', 'Microsoft.Devices/IotHubs/fileUpload/notifications/action'],
  },
  '4ea46cd5-c1b2-4a8e-910b-273211f9ce47': {
    name: 'IoT Hub Registry Contributor',
    dataActions: ['Microsoft.Devices/IotHubs/devices/*'],
  },
  '494bdba2-168f-4f31-a0a1-191d2f7c028c': {
    name: 'IoT Hub Twin Contributor',
    dataActions: ['Microsoft.Devices/IotHubs/twins/*'],
  },
};

/** A role of IoT Hub. */
export interface Role {
  readonly id: string;
  readonly name: string;
  allows(action: DataAction): boolean;
}

/**
 * Finds a built-in role by the id of its role definition, a GUID in any case. Returns a custom role as it is defined.
 * @throws An Error whose message is one line and names the known roles, when IoT Hub has no such built-in role.
 */
export function findRole(role: AssignedRole): Role {
  if (typeof role === 'object') return { id: role.id, name: role.name, allows: allowedBy(role.dataActions) };
  const key = role.toLowerCase();
  const definition = Object.hasOwn(roleDefinitions, key) ? roleDefinitions[key] : undefined;
  if (definition === undefined) {
    const known = Object.entries(roleDefinitions).map(([roleId, { name }]) => `${name} (${roleId})`);
    throw new Error(`The local hub knows no role ${JSON.stringify(role)}. It knows ${known.join(', ')}.`);
  }
  return { id: key, name: definition.name, allows: allowedBy(definition.dataActions) };
}

function allowedBy(dataActions: readonly string[]): Role['allows'] {
  const patterns = dataActions.map(toRegExp);
  return (action) => patterns.some((pattern) => pattern.test(action));
}

/** Azure compares data actions without regard to case. */
function toRegExp(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 'i');
}
