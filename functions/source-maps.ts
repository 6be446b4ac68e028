// Turns on source maps for files that load after this one, so that their stack traces name the TypeScript files.
process.setSourceMapsEnabled(true);
