import rhea, { type Message, type Receiver, type Sender } from 'rhea';
import type { EventLog } from '../event-log.ts';
import { entityPath } from './address.ts';
import { notFound, Refusal } from './refusal.ts';
import { type AccessPolicy, type Claims, verifySasToken } from './sas-token.ts';

const { types } = rhea;

/** The data that the responses of `$cbs` and `$management` need. */
export interface RequestContext {
  readonly log: EventLog;
  readonly eventHubName: string;
  readonly policy: AccessPolicy;
}

/** AMQP type code of each partition id in an array of partition ids. */
const string8 = 0xa1;
/**
 * .NET's `DateTime.MinValue` in milliseconds since 1970. For an empty partition, Event Hubs returns this time as the time of the last
 * event.
 */
const noEventTime = -62_135_596_800_000;

/**
 * Handles a put-token request to `$cbs`: adds the token of the request to the claims of the connection. Throws a `Refusal` if the token is
 * invalid.
 */
export function putToken(request: Message, claims: Claims, { policy, eventHubName }: RequestContext): AmqpResponse {
  const { operation, type, name } = request.application_properties ?? {};
  if (operation !== 'put-token') throw notImplemented(operation);
  if (type !== 'servicebus.windows.net:sastoken' || typeof request.body !== 'string' || typeof name !== 'string') {
    throw new Refusal(
      'amqp:unauthorized-access',
      `MalformedToken: Tokens of type '${type}' are not supported, use a shared access signature.`,
    );
  }
  const grant = verifySasToken(request.body, name, policy, Date.now());
  const [entity = ''] = entityPath(name).split('/');
  if (entity !== '' && entity.toLowerCase() !== eventHubName.toLowerCase()) throw notFound(name);
  claims.add(grant);
  return { status: 202, description: 'Accepted' };
}

/** Whether a request has a token of its own, as the requests of Microsoft's .NET client have. {@link readManagement} checks the token. */
export function hasToken(request: Message): boolean {
  return typeof request.application_properties?.security_token === 'string';
}

/**
 * Handles a READ request to `$management` about the event hub or one partition. Throws a `Refusal` if the request is not supported, if its
 * target does not exist, or if its token is invalid.
 */
export function readManagement(request: Message, { log, eventHubName, policy }: RequestContext): AmqpResponse {
  const { operation, type, name, partition, security_token: token } = request.application_properties ?? {};
  if (operation !== 'READ') throw notImplemented(operation);
  if (typeof name !== 'string' || name.toLowerCase() !== eventHubName.toLowerCase()) throw notFound(String(name));
  if (typeof token === 'string') verifySasToken(token, `${eventHubName}/$management`, policy, Date.now());
  switch (type) {
    case 'com.microsoft:eventhub':
      return { status: 200, description: 'OK', body: describeEventHub(log, eventHubName) };
    case 'com.microsoft:partition':
      if (!log.partitionIds.includes(String(partition))) throw notFound(`${eventHubName}/Partitions/${partition}`);
      return { status: 200, description: 'OK', body: describePartition(log, eventHubName, String(partition)) };
    default:
      throw notImplemented(type);
  }
}

function describeEventHub(log: EventLog, name: string) {
  return {
    name,
    type: 'com.microsoft:eventhub',
    created_at: log.createdAt,
    partition_count: types.wrap_int(log.partitionIds.length),
    partition_ids: types.wrap_array([...log.partitionIds], string8, undefined),
    georeplication_factor: types.wrap_int(1),
  };
}

function describePartition(log: EventLog, name: string, partition: string) {
  const events = log.events(partition);
  const last = events.at(-1);
  return {
    name,
    type: 'com.microsoft:partition',
    partition,
    begin_sequence_number: types.wrap_long(events[0]?.sequenceNumber ?? 0),
    last_enqueued_sequence_number: types.wrap_long(last?.sequenceNumber ?? -1),
    last_enqueued_offset: last?.offset ?? '-1',
    last_enqueued_time_utc: types.wrap_timestamp(last?.enqueuedTime.getTime() ?? noEventTime),
    is_partition_empty: last === undefined,
  };
}

/** The response to a request on `$cbs` or `$management`. */
export interface AmqpResponse {
  readonly status: number;
  readonly description: string;
  readonly body?: unknown;
}

/** The HTTP-like status code of each AMQP error condition. The SDK converts these codes to its own errors. */
const statusCodes: Readonly<Record<string, number>> = {
  'amqp:unauthorized-access': 401,
  'amqp:not-found': 404,
  'amqp:not-implemented': 501,
};

/**
 * Sends the response that `respond` returns, or the error that it throws. The request's `reply-to` names the link for the response. If no
 * link has this name, the first reply link of the session is used.
 */
export function reply(
  request: Message,
  receiver: Receiver,
  replyLinks: Iterable<Sender>,
  respond: () => AmqpResponse,
): void {
  const candidates = [...replyLinks].filter((link) => link.session === receiver.session);
  const link =
    candidates.find(({ name, target }) => request.reply_to === name || request.reply_to === target?.address) ??
    candidates[0];
  if (link === undefined) return;
  let condition: string | undefined;
  let response: AmqpResponse;
  try {
    response = respond();
  } catch (error) {
    const refusal =
      error instanceof Refusal ? error : new Refusal('amqp:internal-error', `The local hub failed: ${error}`);
    condition = refusal.condition;
    response = { status: statusCodes[condition] ?? 500, description: refusal.message };
  }
  link.send({
    ...(request.message_id === undefined ? {} : { correlation_id: request.message_id }),
    application_properties: {
      'status-code': types.wrap_int(response.status),
      'status-description': response.description,
      ...(condition === undefined ? {} : { 'error-condition': types.wrap_symbol(condition) }),
    },
    body: response.body,
  });
}

function notImplemented(operation: unknown): Refusal {
  return new Refusal('amqp:not-implemented', `'${operation}' is not supported.`);
}
