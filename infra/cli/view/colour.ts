import picocolors from 'picocolors';

/** Whether text for a stream may have colours. True for a terminal that supports colours, unless the environment sets `NO_COLOR`. */
export function hasColour(stream: { readonly isTTY?: boolean | undefined }): boolean {
  return stream.isTTY === true && picocolors.isColorSupported;
}
