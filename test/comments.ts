// Comments of a TypeScript source, for tests that check what they say or what the code without them contains.

/** Matches each comment; not what looks like one in a link or in a text. */
export const COMMENT = /(?<![:"'`\w])\/\/ ?.*$|\/\*[\s\S]*?\*\//gm;
