/** Options of a test that needs what only Linux has: loopback addresses beside 127.0.0.1, or /proc. */
export const ON_LINUX = { skip: process.platform === "linux" ? false : "this test needs Linux" } as const;
