/** A user-assigned managed identity of Microsoft Entra ID, with the roles that it has on the local hub. */
export interface ManagedIdentity {
  /** The name under which the local hub counts the calls of this identity. */
  readonly name: string;
  /** The id by which an app chooses the identity, a GUID. */
  readonly clientId: string;
  /** The id to which roles are assigned, a GUID. */
  readonly principalId: string;
  /** The ids of the role definitions that are assigned to the identity on the hub, as GUIDs. */
  readonly roles: readonly string[];
}
