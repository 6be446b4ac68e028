/**
 * True for what IoT Hub accepts as a device or module id: 1 to 128 ASCII letters, digits and `- . + % _ # * ? ! ( ) , : = @ $ '`,
 * case-sensitive ("Understand the identity registry in your IoT hub").
 */
export function isDeviceId(text: string): boolean {
  return /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/.test(text);
}
