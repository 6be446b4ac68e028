// Stack traces name the TypeScript files.
process.setSourceMapsEnabled(true);
