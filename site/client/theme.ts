// Sets the theme that the reader chose before the page is drawn.
import { applyTheme, readTheme } from "./theme-choice.ts";

applyTheme(readTheme());
