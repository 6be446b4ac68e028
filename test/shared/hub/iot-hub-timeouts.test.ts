import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { withDeadline } from '../../../shared/hub/deadline.ts';
import { TimedAgent } from '../../../shared/hub/timed-agent.ts';
import { FaultyHub } from './faulty-hub.ts';

const faulty = new FaultyHub();

describe('a call to a slow hub', () => {
  it('ends at the deadline, even when there is no request to abort', async () => {
    await expect(withDeadline({ deadline: 10 }, () => new Promise(() => {}))).rejects.toThrow('10 ms');
    await expect(withDeadline({ deadline: Number.POSITIVE_INFINITY }, async () => 'in time')).resolves.toBe('in time');
  });

  it('ends at the deadline, even when the hub sends a byte now and then, and the connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createServer(faulty.local.credentials.tls, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const dripping = faulty.connect({ deadline: 300, retries: 0, idleTimeout: 60_000 }, port);
      expect(await dripping.countDevices()).toMatchObject({
        ok: false,
        problem: { type: 'transient', message: expect.stringContaining('300 ms') },
      });
      await closed.promise;
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('is not sent when its deadline passes before the request, for example because a token comes late', async () => {
    let requests = 0;
    const server = createServer(faulty.local.credentials.tls, (_, response) => {
      requests++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const agent = new TimedAgent({ port, ca: faulty.local.ca });
    const token = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<unknown>();
    const call = async () => {
      await token.promise;
      const late = request({ host: 'localhost', agent }, () => sent.resolve('answered'));
      late.on('error', sent.resolve).end();
    };
    try {
      await expect(withDeadline({ deadline: 10 }, call)).rejects.toThrow('10 ms');
      token.resolve();
      expect(await sent.promise).toMatchObject({ message: expect.stringContaining('10 ms') });
      expect(requests).toBe(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('may take longer for a query than for other operations', async () => {
    const patient = faulty.connect({ deadline: 1000, queryDeadline: 30_000, idleTimeout: 500 });
    // This call opens the connection that the query uses later.
    await patient.countDevices();
    faulty.faults = ['wait', ...Array<'hang'>(4).fill('hang')];
    const page = patient.queryPage('SELECT * FROM devices');
    await expect.poll(() => faulty.waiting.length, { timeout: 20_000 }).toBe(1);
    // Before the hub answers the query, another call and all its retries time out.
    expect(await patient.countDevices()).toMatchObject({ ok: false, problem: { type: 'transient' } });
    for (const release of faulty.waiting) release();
    expect(await page).toMatchObject({ ok: true });
  });
});
