// ESLint's rules for the page's scripts. Types are TypeScript's business: see tsconfig.json.

import js from "@eslint/js";
import jsdoc from "eslint-plugin-jsdoc";
import globals from "globals";

export default [
  // What Python's tools make and keep beside the code.
  { ignores: [".venv*/", "build/", "docs/_static/", "dist/", "runs/", "data/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  jsdoc.configs["flat/recommended-typescript-flavor-error"],
  {
    settings: { jsdoc: { mode: "typescript" } },
    rules: {
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 100 }],
      "no-implicit-globals": "error",
      "no-shadow": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      // Every function and method that has a name, exported or not: types need the comment anyway.
      "jsdoc/require-jsdoc": [
        "error",
        {
          require: {
            ClassDeclaration: true,
            FunctionDeclaration: true,
            MethodDefinition: true,
          },
        },
      ],
      // A name and a type often say it; where they do not, the description does.
      "jsdoc/require-param-description": "off",
      "jsdoc/require-property-description": "off",
      "jsdoc/require-returns-description": "off",
      // A getter is described as what it is, like a field.
      "jsdoc/require-returns": ["error", { checkGetters: false }],
      "jsdoc/reject-any-type": "error",
      "jsdoc/tag-lines": ["error", "any", { startLines: 1 }],
    },
  },
  { files: ["src/numcnn/web/static/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["eslint.config.js"], languageOptions: { globals: globals.node } },
];
