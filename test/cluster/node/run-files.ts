// Runs the test files given as arguments in one process, in the given order; `node --test` would sort them.
for (const file of process.argv.slice(2)) await import(file);
