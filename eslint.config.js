// How the page's JavaScript is checked: ESLint's recommended rules, and what they leave open.
import js from "@eslint/js";
import globals from "globals";

const NODES = "Build nodes with createElement and textContent: text must never become markup.";

const MARKUP_PROPERTIES = ["innerHTML", "outerHTML", "srcdoc"];
const MARKUP_METHODS = [
  ...["insertAdjacentHTML", "setHTML", "setHTMLUnsafe", "parseHTMLUnsafe"],
  ...["createContextualFragment", "parseFromString"],
];

// Globals of every window that a forgotten declaration would silently read.
const WINDOW_NAMES = ["event", "length", "name", "origin", "parent", "status", "top"];

export default [
  {
    files: ["auth_api/web/**/*.js"],
    languageOptions: { globals: globals.browser },
    // A comment that switches a rule off goes when the rule has nothing to say any more.
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,

      // `==` compares what nobody meant to compare: "" == 0.
      eqeqeq: "error",
      // What never changes says so, and nothing is visible outside of its block.
      "prefer-const": "error",
      "no-var": "error",
      // A callback of `map` or `filter` that forgets to return is a bug, not a style.
      "array-callback-return": "error",
      // Code from strings: the page's content security policy forbids it, and so do we.
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      // Errors are shown to whoever uses the page; nobody reads their console.
      "no-console": "error",
      // A dialog of the browser blocks the page and cannot be styled or translated.
      "no-alert": "error",
      "no-restricted-globals": ["error", ...WINDOW_NAMES],
      "no-restricted-properties": [
        "error",
        ...[...MARKUP_PROPERTIES, ...MARKUP_METHODS].map((property) => ({
          property,
          message: NODES,
        })),
        ...["write", "writeln"].map((property) => ({
          object: "document",
          property,
          message: NODES,
        })),
      ],
      // The same ones, set by Object.assign or as properties of an element to be built.
      "no-restricted-syntax": [
        "error",
        {
          selector: `ObjectExpression > Property[key.name=/^(${MARKUP_PROPERTIES.join("|")})$/]`,
          message: NODES,
        },
      ],
    },
  },
];
