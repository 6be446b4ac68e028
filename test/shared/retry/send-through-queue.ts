import {
  createDeferredQueue,
  type DeadLetters,
  type DeferredQueue,
  deferredQueueName,
} from '../../../shared/retry/index.ts';
import { openQueue, type StorageAccount } from '../../../shared/storage/index.ts';

/** Sends a deferral through the deferred queue in Azurite. Returns the message that the queue trigger receives. */
export async function sendThroughQueue(
  account: StorageAccount,
  deadLetters: DeadLetters,
  deferral: Parameters<DeferredQueue['put']>[0],
): Promise<unknown> {
  await createDeferredQueue(account, deadLetters).put(deferral, 0);
  const queue = await openQueue(account, deferredQueueName);
  const { receivedMessageItems } = await queue.receiveMessages();
  const [item] = receivedMessageItems;
  if (item === undefined) throw new Error('The queue is empty.');
  await queue.deleteMessage(item.messageId, item.popReceipt);
  return JSON.parse(Buffer.from(item.messageText, 'base64').toString());
}
