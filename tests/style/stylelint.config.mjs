// What stylelint holds our style sheet to. script/check runs it from the top folder of the checkout.
export default {
  extends: "stylelint-config-standard",
  reportNeedlessDisables: true,
  rules: {
    // Browsers of 2018 drop a rule whose notation they do not know, so the older one is asked for
    // where the standard set asks for the newer one.
    "alpha-value-notation": "number",
    "color-function-notation": "legacy",
    "media-feature-range-notation": "prefix",
    "selector-not-notation": "simple",
    "declaration-block-no-redundant-longhand-properties": [
      true, { ignoreShorthands: ["/^inset/", "/^place-/", "/^overflow$/"] },
    ],
    // Some of them know a property by its prefix only.
    "property-no-vendor-prefix": null,
    "value-no-vendor-prefix": null,
    // tests/wsgi/test_look.py reads six digits.
    "color-hex-length": "long",
    // Here a short rule is one line.
    "declaration-block-single-line-max-declarations": null,
    // Rules stand in the order of the page; those it compares never meet at one element.
    "no-descending-specificity": null,
  },
};
