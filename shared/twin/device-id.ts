/**
 * True when IoT Hub accepts the text as a device id or module id: 1 to 128 ASCII letters, digits and
 * `- . + % _ # * ? ! ( ) , : = @ $ '`. Ids are case-sensitive. Source: "Understand the identity registry in your IoT hub".
 */
export function isDeviceId(text: string): boolean {
  return /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/.test(text);
}
