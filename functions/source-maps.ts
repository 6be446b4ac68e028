// Turns on source maps, so that stack traces name the TypeScript files.
process.setSourceMapsEnabled(true);
