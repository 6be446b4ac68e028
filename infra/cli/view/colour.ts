import picocolors from 'picocolors';

/** Whether what is written there may be coloured: on a terminal that can, and that has not been asked not to. */
export function hasColour(stream: { readonly isTTY?: boolean | undefined }): boolean {
  return stream.isTTY === true && picocolors.isColorSupported;
}
