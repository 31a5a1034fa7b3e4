// What eslint holds our scripts to. script/check runs it from the top folder of the checkout.
import js from "@eslint/js";
import es from "eslint-plugin-es-x";

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

// What every browser of 2018 has. What came later is asked for as a property of window first.
const BROWSER = readonly(
  "addEventListener", "Blob", "clearTimeout", "console", "document", "DOMParser", "Event", "fetch",
  "FormData", "history", "location", "navigator", "Option", "print", "setInterval", "setTimeout",
  "URLSearchParams", "window",
);
// What waiting.js takes from planado.js, which a page loads first.
const SHARED = readonly(
  "focusOn", "follow", "forEach", "locale", "prepare", "showLocally", "speaks", "tried",
  "twoDigits",
);
const NODE = readonly("process");

const RULES = {
  ...js.configs.recommended.rules,
  "eqeqeq": "error",
  "no-implied-eval": "error",
  "no-shadow": "error",
  // An error that is expected needs no name; catch without one is younger than ES2017.
  "no-unused-vars": ["error", { caughtErrors: "none" }],
  "no-use-before-define": ["error", { functions: false, variables: false }],
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-arrow-callback": "error",
  "prefer-const": "error",
  "prefer-template": "error",
};

export default [
  { ignores: ["**/node_modules/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    // no-implicit-globals stays off: plain scripts share functions by being global.
    ...es.configs["flat/restrict-to-es2017"],
    files: ["wsgi_app/static/*.js"],
    languageOptions: { ecmaVersion: 2017, sourceType: "script", globals: BROWSER },
    // Also methods that a browser of 2018 lacks, whatever they are called on.
    settings: { "es-x": { aggressive: true } },
    rules: { ...es.configs["flat/restrict-to-es2017"].rules, ...RULES, "strict": ["error", "global"] },
  },
  {
    files: ["wsgi_app/static/waiting.js"],
    languageOptions: { globals: SHARED },
  },
  {
    files: ["tests/**/*.mjs"],
    // Functions in them that a browser gets run there.
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: { ...BROWSER, ...NODE } },
    rules: RULES,
  },
];
