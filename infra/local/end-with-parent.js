/**
 * Ends a process when its parent process has ended. A parent forks a program that is not its own with `node --import` and this file.
 * The file is JavaScript, so that Node can load it in every folder.
 */
process.once('disconnect', () => process.exit());
// A parent that ended earlier sends no `disconnect`.
if (!process.connected) process.exit();
// The program may end by itself while the channel to its parent is open.
process.channel?.unref();
