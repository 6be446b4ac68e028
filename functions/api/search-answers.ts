/**
 * The type of the API's answer to a search for devices. This file imports nothing, because the dashboard's page uses the type and is compiled
 * for a browser.
 *
 * @module
 */

/** The answer of `GET /api/devices`: devices of the hub that match the search, in the order of the hub. The last page has no cursor. */
export interface FoundDevicesAnswer {
  readonly devices: readonly { readonly deviceId: string }[];
  readonly cursor?: string;
  readonly searched: {
    /**
     * `query`: the hub has searched. `walk`: the hub refuses queries for a part of an id, so the app has read ids page by page and compared
     * them.
     */
    readonly by: 'query' | 'walk';
    /** Number of ids that the hub sent for this answer. */
    readonly read: number;
    /** Whether all devices of the hub are searched. False when there is a cursor. */
    readonly complete: boolean;
  };
}
