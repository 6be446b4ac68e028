import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { timestamp } from '../clock.ts';
import { invalid, preview } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { openContainer } from './container.ts';

/** The request to start a job. Source: the REST reference, "Jobs - Create Import Export Job". */
const schema = z.object({
  type: z.enum(['import', 'export']),
  inputBlobContainerUri: z.optional(z.nullable(z.string())),
  inputBlobName: z.optional(z.nullable(z.string())),
  outputBlobContainerUri: z.string(),
  outputBlobName: z.optional(z.nullable(z.string())),
  excludeKeysInExport: z.optional(z.nullable(z.boolean())),
  // The REST reference writes keyBased, and the Node SDK sends KeyBased.
  storageAuthenticationType: z.optional(
    z.nullable(z.string().check(z.regex(/^(key|identity)Based$/i, 'must be keyBased or identityBased'))),
  ),
});

export type JobRequest = z.infer<typeof schema>;

export type JobStatus = 'enqueued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A job of the hub, with its present state. */
export class Job {
  readonly id = crypto.randomUUID();
  readonly request: JobRequest;
  readonly #startedAt = timestamp();
  #endedAt: string | undefined;
  status: JobStatus = 'enqueued';
  #progress = 0;
  failureReason: string | undefined;

  /** @throws {HubError} 400 for a malformed request. */
  constructor(body: JsonValue) {
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw invalid(`The job ${preview(body)} is not valid: ${z.prettifyError(parsed.error)}`);
    this.request = parsed.data;
    if (this.request.type === 'import' && !this.request.inputBlobContainerUri)
      throw invalid('An import needs inputBlobContainerUri');
    for (const uri of [this.request.outputBlobContainerUri, this.request.inputBlobContainerUri ?? undefined]) {
      if (uri !== undefined && !URL.canParse(uri)) throw invalid('A container URI of the job is not a URL');
    }
  }

  get isOver(): boolean {
    return this.status !== 'enqueued' && this.status !== 'running';
  }

  /** Sets the progress from the work that is done and the whole work. Only a completed job has the progress 100. */
  advance(done: number, all: number): void {
    this.#progress = Math.min(99, Math.floor((100 * done) / Math.max(1, all)));
  }

  end(status: 'completed' | 'failed' | 'cancelled', failureReason?: string): void {
    if (this.isOver) return;
    this.status = status;
    this.failureReason = failureReason;
    this.#endedAt = timestamp();
    if (status === 'completed') this.#progress = 100;
  }

  /** The container from which an import reads. */
  input(): ContainerClient {
    return this.#open(this.request.inputBlobContainerUri ?? this.request.outputBlobContainerUri);
  }

  /** The container to which the job writes. */
  output(): ContainerClient {
    return this.#open(this.request.outputBlobContainerUri);
  }

  /** The job as the service API shows it. It shows the addresses of the containers without their signatures. */
  render(): JsonObject {
    const { type, inputBlobContainerUri, outputBlobContainerUri, excludeKeysInExport } = this.request;
    return {
      jobId: this.id,
      type,
      status: this.status,
      progress: this.#progress,
      startTimeUtc: this.#startedAt,
      ...(this.#endedAt === undefined ? {} : { endTimeUtc: this.#endedAt }),
      ...(inputBlobContainerUri ? { inputBlobContainerUri: withoutSignature(inputBlobContainerUri) } : {}),
      outputBlobContainerUri: withoutSignature(outputBlobContainerUri),
      excludeKeysInExport: excludeKeysInExport ?? false,
      storageAuthenticationType: this.#isIdentityBased ? 'identityBased' : 'keyBased',
      ...(this.failureReason === undefined ? {} : { failureReason: this.failureReason }),
    };
  }

  get #isIdentityBased(): boolean {
    return this.request.storageAuthenticationType?.toLowerCase() === 'identitybased';
  }

  #open(uri: string): ContainerClient {
    return openContainer(uri, this.#isIdentityBased);
  }
}

function withoutSignature(uri: string): string {
  return uri.split('?')[0] ?? '';
}
