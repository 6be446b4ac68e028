import picocolors from 'picocolors';

/** Whether a stream may have colours: a terminal that supports colours, unless `NO_COLOR` is set. */
export function hasColour(stream: { readonly isTTY?: boolean | undefined }): boolean {
  return stream.isTTY === true && picocolors.isColorSupported;
}
