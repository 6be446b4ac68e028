/**
 * Automatic configurations: kept and shown, never applied. Applying them is a service of Azure's that this system has no use
 * for; what it needs is to see that one is there.
 */
import { timestamp } from './clock.ts';
import { HubError, invalid, shown } from './errors.ts';
import { checkIfMatch, type IfMatch, newIdentityEtag } from './etag.ts';
import { checkConfigurationId } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

/** A configuration as the hub shows it. */
export interface Configuration extends JsonObject {
  readonly id: string;
  readonly etag: string;
  readonly createdTimeUtc: string;
}

export class Configurations {
  readonly #all = new Map<string, Configuration>();

  /** Creates a configuration, or with `If-Match` writes one that exists. Throws 409, 404, 412 and 400. */
  put(id: string, body: JsonValue, ifMatch: IfMatch): Configuration {
    checkConfigurationId(id);
    if (!isObject(body)) throw invalid(`A configuration must be an object, not ${shown(body)}`);
    if (body.id !== undefined && body.id !== id)
      throw invalid(`The id ${shown(body.id)} in the body is not the one in the path, ${shown(id)}`);
    const before = this.#all.get(id);
    if (ifMatch === undefined && before !== undefined) {
      throw new HubError('ConfigurationAlreadyExists', `A configuration with ID '${id}' exists already`);
    }
    if (ifMatch !== undefined && before === undefined) throw missing(id);
    if (before !== undefined) checkIfMatch(ifMatch, before.etag);
    const { priority = 0, targetCondition = '', labels = {}, content = {}, schemaVersion = '1.0' } = body;
    if (!Number.isInteger(priority)) throw invalid(`priority must be an integer, not ${shown(priority)}`);
    if (typeof targetCondition !== 'string')
      throw invalid(`targetCondition must be a string, not ${shown(targetCondition)}`);
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
    this.#all.set(id, configuration);
    return configuration;
  }

  /** Throws 404 if there is none with this id. */
  get(id: string): Configuration {
    checkConfigurationId(id);
    const configuration = this.#all.get(id);
    if (configuration === undefined) throw missing(id);
    return configuration;
  }

  list(top: number): readonly Configuration[] {
    return [...this.#all.values()].slice(0, top);
  }

  /** Throws 404 if there is none with this id, 412 if its ETag is another. */
  delete(id: string, ifMatch: IfMatch): void {
    checkIfMatch(ifMatch, this.get(id).etag);
    this.#all.delete(id);
  }
}

function missing(id: string): HubError {
  return new HubError('ConfigurationNotFound', `Configuration ${shown(id)} not found`);
}
