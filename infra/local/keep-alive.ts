/**
 * Milliseconds after which a server of this machine closes an unused connection. With the five seconds of Node, a client on a busy machine
 * meets connections that the server is just closing.
 */
export const keepAliveTimeout = 65_000;
