import { type HubAddress, openRegistry } from '../../../shared/hub/index.ts';

/** The tag that the check of events changes. No policy uses it. */
export const tagName = 'twinkeeperDoctor';

/** The tag `twinkeeperDoctor` of the devices of a hub. */
export interface DeviceTags {
  /** The value of the tag. `null` when the device has no such tag. Throws a {@link TagRefusal}. */
  read(deviceId: string): Promise<unknown>;
  /** Sets the tag, or removes it with `null`. Other tags stay. Throws a {@link TagRefusal}. */
  write(deviceId: string, value: unknown): Promise<void>;
}

/** Thrown when the hub refuses to read or write a tag. `status` is the HTTP status. `undefined` when there was no answer. */
export class TagRefusal extends Error {
  override readonly name = 'TagRefusal';
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string) {
    super(message);
    this.status = status;
  }
}

interface TagOptions {
  /** Who calls the hub. Default: the person who is signed in. */
  readonly identity?: HubIdentity;
  /** A certificate authority that is trusted in addition, in PEM format. */
  readonly ca?: string;
}

type HubIdentity = Extract<HubAddress, { readonly identity: unknown }>['identity'];

/** Opens the tags of a hub's devices. */
export async function openDeviceTags(
  hubHostName: string,
  { identity = { type: 'default' }, ca }: TagOptions = {},
): Promise<DeviceTags> {
  const registry = await openRegistry(
    { hostName: hubHostName, identity },
    { idleTimeout: 30_000, ...(ca === undefined ? {} : { ca }) },
  );
  return {
    async read(deviceId) {
      const { responseBody } = await registry.getTwin(deviceId).catch(refused);
      return (responseBody.tags as Readonly<Record<string, unknown>> | undefined)?.[tagName] ?? null;
    },
    async write(deviceId, value) {
      await registry.updateTwin(deviceId, { tags: { [tagName]: value } }, '*').catch(refused);
    },
  };
}

/** The SDK gives every 403 the name `TooManyDevicesError`, so only the status counts. */
function refused(error: Error & { readonly response?: { readonly statusCode?: number } }): never {
  throw new TagRefusal(error.response?.statusCode, error.message);
}
