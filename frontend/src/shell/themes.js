/**
 * The terminal's colours. On each ground every colour but its own black or white reaches 4.5 : 1; what a program puts
 * on other grounds is lifted to the theme's contrast by xterm.js.
 */

/** @import { ITheme } from "@xterm/xterm" */

/** @typedef {"dark" | "light" | "contrast"} ThemeName */

/** As in ANSI: the eight colours, then their bright ones. @param {string} colours */
function palette(colours) {
  const [black, red, green, yellow, blue, magenta, cyan, white, ...bright] = colours.split(" ");
  const [brightBlack, brightRed, brightGreen, brightYellow, brightBlue, brightMagenta, brightCyan, brightWhite] = bright;
  const dull = { black, red, green, yellow, blue, magenta, cyan, white };
  return { ...dull, brightBlack, brightRed, brightGreen, brightYellow, brightBlue, brightMagenta, brightCyan, brightWhite };
}

/**
 * @typedef {object} Theme
 * @property {ITheme} colours
 * @property {number} contrast the least between a character and its ground
 */

/** @type {Record<ThemeName, Theme>} */
export const THEMES = {
  dark: {
    colours: {
      background: "#0e141b",
      foreground: "#d7dfe8",
      cursor: "#a9cdf5",
      cursorAccent: "#0e141b",
      selectionBackground: "#2f5074",
      selectionInactiveBackground: "#2a3a4c",
      ...palette(
        "#3b4754 #ff7b80 #74d2a0 #f0c564 #76b5f5 #d6a0f0 #6fd3dc #d7dfe8 #8996a5 #ff9da2 #9be5bd #ffdd8f #a9cdf5 #e6c1f8 #9fe8ee #ffffff",
      ),
    },
    contrast: 4.5,
  },
  light: {
    colours: {
      background: "#ffffff",
      foreground: "#1a2330",
      cursor: "#0a3055",
      cursorAccent: "#ffffff",
      selectionBackground: "#b9d7f2",
      selectionInactiveBackground: "#dde6ee",
      ...palette(
        "#1a2330 #b0232f #12693f #7a5200 #00569c #86308c #00656f #5b6673 #566170 #c02a37 #157347 #8a5e00 #0063b0 #9a3aa0 #00737e #3a4552",
      ),
    },
    contrast: 4.5,
  },
  contrast: {
    colours: {
      background: "#000000",
      foreground: "#ffffff",
      cursor: "#ffff00",
      cursorAccent: "#000000",
      selectionBackground: "#ffffff",
      selectionForeground: "#000000",
      selectionInactiveBackground: "#9aa5b1",
      ...palette(
        "#767676 #ff8a8a #5cff8f #ffe95c #8fc3ff #ff9cff #5cf3ff #ffffff #b5b5b5 #ffb3b3 #9dffbb #fff3a3 #bddcff #ffc9ff #a6f8ff #ffffff",
      ),
    },
    contrast: 7,
  },
};
