// What the site uses of Eleventy, which has no types of its own. (https://www.11ty.dev/docs/programmatic/)
declare module "@11ty/eleventy" {
  export interface MarkdownToken {
    readonly type: string;
    readonly tag: string;
    content: string;
    readonly children: MarkdownToken[] | null;
    attrGet(name: string): string | null;
    attrSet(name: string, value: string): void;
    attrs: [string, string][] | null;
  }

  export interface MarkdownLibrary {
    readonly core: {
      readonly ruler: {
        push(
          name: string,
          rule: (state: { readonly tokens: MarkdownToken[]; readonly env: Readonly<Record<string, unknown>> }) => void,
        ): void;
      };
    };
    set(options: { readonly html: boolean; readonly linkify: boolean; readonly typographer: boolean }): void;
  }

  export interface EleventyConfig {
    addTemplate(path: string, content: string, data?: Readonly<Record<string, unknown>>): void;
    addGlobalData(name: string, value: unknown): void;
    addFilter(name: string, filter: (...values: never[]) => unknown): void;
    addTransform(name: string, transform: (content: string) => string): void;
    amendLibrary(name: "md", change: (library: MarkdownLibrary) => void): void;
    setIncludesDirectory(path: string): void;
    setTemplateFormats(formats: readonly string[]): void;
    setQuietMode(isQuiet: boolean): void;
  }

  export class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { readonly quietMode: boolean; readonly configPath?: string; config(config: EleventyConfig): void },
    );
    write(): Promise<unknown>;
  }
}
