/** Text between the lab's clipboard and the browser's, in UTF-8 and in blobs as large as guacd takes. */

/** @import { Client, InputStream } from "@dushixiang/guacamole-common-js" */

const TEXT = "text/plain";
/** 8,064 characters in base64: with its lengths the instruction stays under guacd's 8,192. */
const BLOB_BYTES = 6048;
/** guacd's clipboard holds no more. */
const MAX_BYTES = 256 * 1024;

/**
 * @param {Uint8Array} bytes
 * @param {number} limit
 * @returns {Uint8Array} at most `limit` bytes of UTF-8, with no character cut
 */
export function clip(bytes, limit) {
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/**
 * @param {string} text
 * @returns {string[]} its UTF-8 in base64, piece by piece
 */
export function blobsOf(text) {
  const bytes = clip(new TextEncoder().encode(text), MAX_BYTES);
  const blobs = [];
  for (let at = 0; at < bytes.length; at += BLOB_BYTES)
    blobs.push(btoa(String.fromCharCode(...bytes.subarray(at, at + BLOB_BYTES))));
  return blobs;
}

/**
 * Puts the text on the lab's clipboard.
 * @param {Client} client
 * @param {string} text
 */
export function sendText(client, text) {
  const stream = client.createClipboardStream(TEXT);
  for (const blob of blobsOf(text)) stream.sendBlob(blob);
  stream.sendEnd();
}

/**
 * @param {InputStream} stream
 * @param {string} mimetype
 * @param {(text: string) => void} ontext called once with the whole text; never for anything but text
 */
export function receiveText(stream, mimetype, ontext) {
  if (mimetype.split(";")[0] !== TEXT) return stream.sendAck("Only text is taken.", 0x0100);
  const decoder = new TextDecoder();
  let text = "";
  stream.onblob = base64 => {
    text += decoder.decode(Uint8Array.from(atob(base64), c => c.charCodeAt(0)), { stream: true });
    stream.sendAck("", 0);
  };
  stream.onend = () => ontext(text + decoder.decode());
}
