/** A role that somebody has defined: IoT Hub does not have it by itself. */
export interface CustomRole {
  /** The id of the role definition, a GUID. */
  readonly id: string;
  readonly name: string;
  /** Data actions, or patterns of them. In a pattern, `*` stands for any text. */
  readonly dataActions: readonly string[];
}

/** A role that an identity has: the id of a built-in role definition, a GUID, or a custom role. */
export type AssignedRole = string | CustomRole;

/** A user-assigned managed identity of Microsoft Entra ID, with the roles that it has on the local hub. */
export interface ManagedIdentity {
  /** The name under which the local hub counts the calls of this identity. */
  readonly name: string;
  /** The id by which an app chooses the identity, a GUID. */
  readonly clientId: string;
  /** The id to which roles are assigned, a GUID. */
  readonly principalId: string;
  /** The roles that are assigned to the identity on the hub. */
  readonly roles: readonly AssignedRole[];
}
