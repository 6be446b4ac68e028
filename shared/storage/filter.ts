/**
 * Loads the template tag that writes filters for Table Storage. The tag quotes each value, so no value can change the filter. The tag comes
 * with the SDK, which loads on first use.
 */
export async function loadFilterTag() {
  const { odata } = await import('@azure/data-tables');
  return odata;
}
