// ESLint for the page's JavaScript: the recommended rules and some more.
import js from "@eslint/js";
import globals from "globals";

const NODES = "Build nodes with createElement and textContent: text must never become markup.";

const MARKUP_PROPERTIES = ["innerHTML", "outerHTML", "srcdoc"];
const MARKUP_METHODS = [
  ...["insertAdjacentHTML", "setHTML", "setHTMLUnsafe", "parseHTMLUnsafe"],
  ...["createContextualFragment", "parseFromString"],
];

// Global variables of browsers. A missing declaration would silently read them.
const WINDOW_NAMES = ["event", "length", "name", "origin", "parent", "status", "top"];

export default [
  {
    files: ["auth_api/web/service-worker.js"],
    languageOptions: { sourceType: "script", globals: globals.serviceworker },
  },
  {
    files: ["auth_api/web/**/*.js"],
    languageOptions: { globals: globals.browser },
    // A comment that disables a rule without need is an error.
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,

      // `==` converts types: "" == 0.
      eqeqeq: "error",
      "prefer-const": "error",
      "no-var": "error",
      // A callback of `map` or `filter` without a return is a bug.
      "array-callback-return": "error",
      // The page's content security policy forbids code from strings.
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      // Errors belong in the page, because users do not read the console.
      "no-console": "error",
      // The browser's dialogs block the page, and cannot be styled or translated.
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
      // The same properties in object literals, such as for Object.assign.
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
