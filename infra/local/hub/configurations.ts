/** The automatic configurations and IoT Edge deployments of the hub. */
import { timestamp } from './clock.ts';
import { type ConfigurationTarget, readConfigurationTarget } from './configuration-content.ts';
import { HubError, invalid, preview } from './errors.ts';
import { checkIfMatch, type IfMatch, newIdentityEtag } from './etag.ts';
import { checkConfigurationId } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

/** A configuration, as the hub's responses contain it. */
export interface Configuration extends JsonObject {
  readonly id: string;
  readonly etag: string;
  readonly createdTimeUtc: string;
  readonly priority: number;
}

interface Stored {
  readonly configuration: Configuration;
  readonly target: ConfigurationTarget;
}

export class Configurations {
  readonly #all = new Map<string, Stored>();

  /**
   * Creates a configuration. If the request has the header `If-Match`, replaces an existing configuration. Throws 409 if a configuration
   * with this id already exists, 404 if the configuration to replace does not exist, 412 if its ETag does not match, and 400 if the body is
   * invalid.
   */
  put(id: string, body: JsonValue, ifMatch: IfMatch): Configuration {
    checkConfigurationId(id);
    if (!isObject(body)) throw invalid(`A configuration must be an object, not ${preview(body)}`);
    if (body.id !== undefined && body.id !== id)
      throw invalid(`The id ${preview(body.id)} in the body must equal the id in the path, ${preview(id)}`);
    const before = this.#all.get(id)?.configuration;
    if (ifMatch === undefined && before !== undefined) {
      throw new HubError('ConfigurationAlreadyExists', `A configuration with ID '${id}' already exists`);
    }
    if (ifMatch !== undefined && before === undefined) throw missing(id);
    if (before !== undefined) checkIfMatch(ifMatch, before.etag);
    const { priority = 0, targetCondition = '', labels = {}, content = {}, schemaVersion = '1.0' } = body;
    if (typeof priority !== 'number' || !Number.isInteger(priority))
      throw invalid(`priority must be an integer, not ${preview(priority)}`);
    if (typeof targetCondition !== 'string')
      throw invalid(`targetCondition must be a string, not ${preview(targetCondition)}`);
    const target = readConfigurationTarget(targetCondition, content);
    const configuration: Configuration = {
      id,
      schemaVersion,
      labels,
      content,
      targetCondition,
      createdTimeUtc: before?.createdTimeUtc ?? timestamp(),
      lastUpdatedTimeUtc: timestamp(),
      priority,
      systemMetrics: { results: {}, queries: {} },
      metrics: body.metrics ?? { results: {}, queries: {} },
      etag: newIdentityEtag(),
    };
    this.#all.set(id, { configuration, target });
    return configuration;
  }

  /** Reads a configuration. Throws 404 if the configuration does not exist. */
  get(id: string): Configuration {
    checkConfigurationId(id);
    const stored = this.#all.get(id);
    if (stored === undefined) throw missing(id);
    return stored.configuration;
  }

  /** The first `top` configurations in order of creation. */
  list(top: number): readonly Configuration[] {
    return [...this.#all.values()].slice(0, top).map(({ configuration }) => configuration);
  }

  /** All configurations, the lowest priority first. Of two configurations with the same priority, the older one comes first. */
  byPriority(): readonly Stored[] {
    return [...this.#all.values()].toSorted((a, b) => a.configuration.priority - b.configuration.priority);
  }

  /** Deletes a configuration. Throws 404 if the configuration does not exist, and 412 if its ETag does not match. */
  delete(id: string, ifMatch: IfMatch): void {
    checkIfMatch(ifMatch, this.get(id).etag);
    this.#all.delete(id);
  }
}

function missing(id: string): HubError {
  return new HubError('ConfigurationNotFound', `Configuration ${preview(id)} not found`);
}
