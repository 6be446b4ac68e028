/**
 * Storage queue triggers. A message is delivered at least once. When the handler fails, the message is delivered again. After too many
 * attempts the message moves to the poison queue.
 */
import { type DequeuedMessageItem, QueueServiceClient } from '@azure/storage-queue';
import { describeError } from './log.ts';
import { connectionString } from './settings.ts';
import { delay, type Trigger, type TriggeredFunction, type TriggerHost } from './trigger.ts';
import { queueMessage } from './trigger-data.ts';

const firstPollingIntervalMs = 100;

/**
 * Starts to poll the queue. Creates the queue when it is missing. The host deletes a message when the handler succeeds. When the handler
 * throws an error, the message becomes visible again after `visibilityTimeout`. After `maxDequeueCount` attempts the message moves to the
 * queue `<queue>-poison`.
 * @throws An Error whose message is one line and names the function, when the function's connection is not set.
 */
export async function startQueueTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger> {
  const { name, options } = triggered;
  const { queueClaimSeconds } = host;
  const { batchSize, newBatchThreshold, visibilityTimeoutMs, maxDequeueCount, maxPollingIntervalMs, messageEncoding } =
    host.hostJson.queues;
  const connection = connectionString(name, String(options.connection || 'AzureWebJobsStorage'), host.environment);
  const queueName = String(options.queueName ?? '');
  const service = QueueServiceClient.fromConnectionString(connection);
  const queue = service.getQueueClient(queueName);
  const poison = service.getQueueClient(`${queueName}-poison`);
  await queue.createIfNotExists();

  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  async function setAside(message: DequeuedMessageItem, popReceipt: string, why: string): Promise<void> {
    await poison.createIfNotExists();
    await poison.sendMessage(message.messageText, { messageTimeToLive: -1 });
    await queue.deleteMessage(message.messageId, popReceipt);
    host.log('warning', name, `message ${message.messageId} moved to ${poison.name}: ${why}`);
  }

  async function handle(message: DequeuedMessageItem): Promise<void> {
    const text = messageEncoding === 'base64' ? decodeBase64(message.messageText) : message.messageText;
    if (text === undefined)
      return setAside(message, message.popReceipt, 'it is not base64, which messageEncoding requires');
    if (message.dequeueCount > maxDequeueCount) {
      return setAside(message, message.popReceipt, `taken ${message.dequeueCount} times and never finished`);
    }
    const claim = keepInvisible(message);
    const outcome = await host.invoker.invoke(name, () => queueMessage(message, text));
    const popReceipt = await claim.release();
    if (outcome.succeeded) {
      await queue.deleteMessage(message.messageId, popReceipt);
    } else if (message.dequeueCount >= maxDequeueCount) {
      await setAside(message, popReceipt, `failed ${message.dequeueCount} times`);
    } else {
      await queue.updateMessage(message.messageId, popReceipt, undefined, Math.round(visibilityTimeoutMs / 1000));
    }
  }

  /**
   * Renews the claim on a message each time half of the claim has passed. `release` ends the renewals, and resolves with the message's
   * current pop receipt.
   */
  function keepInvisible(message: DequeuedMessageItem): { release(): Promise<string> } {
    const released = new AbortController();
    const renewals = (async () => {
      let { popReceipt } = message;
      for (;;) {
        await delay(queueClaimSeconds * 500, released.signal);
        if (released.signal.aborted) return popReceipt;
        const renewed = await queue.updateMessage(message.messageId, popReceipt, undefined, queueClaimSeconds);
        popReceipt = renewed.popReceipt ?? popReceipt;
        host.log('trace', name, `claim on ${message.messageId} renewed`);
      }
    })();
    renewals.catch((error) => host.log('warning', name, `claim on ${message.messageId} lost: ${describeError(error)}`));
    return {
      release() {
        released.abort();
        return renewals;
      },
    };
  }

  async function poll(): Promise<void> {
    let waitMs = firstPollingIntervalMs;
    while (!stopping.signal.aborted) {
      try {
        const { receivedMessageItems: messages } = await queue.receiveMessages({
          numberOfMessages: batchSize,
          visibilityTimeout: queueClaimSeconds,
          abortSignal: stopping.signal,
        });
        for (const message of messages) {
          const work = handle(message).catch((error) =>
            // The host does not release the message. When its claim on the message expires, the message becomes visible, and a host handles
            // it again.
            host.log('error', name, `message ${message.messageId}: ${describeError(error)}`),
          );
          running.add(work);
          work.finally(() => running.delete(work));
        }
        while (running.size > newBatchThreshold) await Promise.race(running);
        if (messages.length > 0) {
          waitMs = firstPollingIntervalMs;
          continue;
        }
      } catch (error) {
        if (!stopping.signal.aborted) host.log('warning', name, `queue ${queueName}: ${describeError(error)}`);
      }
      await delay(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, maxPollingIntervalMs);
    }
  }

  const polling = poll();
  return {
    stop: () => stopping.abort(),
    async close() {
      await polling;
      const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
      await Promise.race([Promise.allSettled(running), late]);
    },
  };
}

/** Decodes base64 to UTF-8 text. Returns undefined when the text is not base64. */
function decodeBase64(text: string): string | undefined {
  return /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(text)
    ? Buffer.from(text, 'base64').toString('utf8')
    : undefined;
}
