// The files named on the command line, as one run of node:test, in their order.
for (const file of process.argv.slice(2)) await import(file);
