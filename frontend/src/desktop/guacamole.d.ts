/** What is used here of guacamole-common-js. */
declare module "@dushixiang/guacamole-common-js" {
  interface InputStream {
    onblob: ((base64: string) => void) | null;
    onend: (() => void) | null;
    sendAck(message: string, code: number): void;
  }

  interface OutputStream {
    sendBlob(base64: string): void;
    sendEnd(): void;
  }

  interface MouseState {
    x: number;
    y: number;
    left: boolean;
    middle: boolean;
    right: boolean;
    up: boolean;
    down: boolean;
  }

  interface Display {
    onresize: (() => void) | null;
    oncursor: ((image: HTMLCanvasElement, x: number, y: number) => void) | null;
    getElement(): HTMLElement;
    getWidth(): number;
    getHeight(): number;
    scale(factor: number): void;
    showCursor(shown: boolean): void;
    cancel(): void;
  }

  class Client {
    constructor(tunnel: object);
    onclipboard: ((stream: InputStream, mimetype: string) => void) | null;
    onstatechange: ((state: number) => void) | null;
    getDisplay(): Display;
    sendSize(width: number, height: number): void;
    sendKeyEvent(pressed: boolean, keysym: number): void;
    sendMouseState(state: MouseState, inDisplayUnits: boolean): void;
    createClipboardStream(mimetype: string): OutputStream;
    connect(): void;
    disconnect(): void;
  }

  class Keyboard {
    constructor(element: Element);
    onkeydown: ((keysym: number) => boolean | void) | null;
    onkeyup: ((keysym: number) => void) | null;
    reset(): void;
  }

  const Guacamole: { Client: typeof Client; Keyboard: typeof Keyboard };
  export type { Client, Display, InputStream, Keyboard, MouseState, OutputStream };
  export default Guacamole;
}
