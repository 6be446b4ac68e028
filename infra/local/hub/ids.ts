/** Checks device, module and configuration ids by the rules of IoT Hub. */
import { HubError, invalid, preview } from './errors.ts';

/** The name of a device, or with `moduleId` the name of a module of this device. */
export interface Target {
  readonly deviceId: string;
  readonly moduleId?: string;
}

// IoT Hub allows "a case-sensitive string (up to 128 characters long) of ASCII 7-bit alphanumeric characters plus certain special
// characters: - . + % _ # * ? ! ( ) , : = @ $ '" (Identity registry, device identity properties).
const identityPattern = /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/;

// The letters of a configuration id must be lower case, and a dot is not allowed ("Automatic device management", configuration id).
const configurationPattern = /^[a-z0-9\-:+%_#*?!(),=@$']{1,128}$/;

/** Whether IoT Hub accepts this device or module id. */
export function isIdentityId(id: string): boolean {
  return identityPattern.test(id);
}

/** Throws 400 unless IoT Hub accepts the device id and the module id of the target. */
export function checkTarget(target: Target): void {
  check('deviceId', target.deviceId, identityPattern);
  if (target.moduleId !== undefined) check('moduleId', target.moduleId, identityPattern);
}

/** Throws 400 unless IoT Hub accepts the configuration id. */
export function checkConfigurationId(id: string): void {
  check('configuration id', id, configurationPattern);
}

/** Creates the 404 error for a device or module that does not exist. */
export function notFound(target: Target, missing: 'device' | 'module'): HubError {
  return missing === 'device'
    ? new HubError('DeviceNotFound', `Device ${target.deviceId} not registered`)
    : new HubError('ModuleNotFound', `Module ${target.moduleId} not found on device ${target.deviceId}`);
}

function check(name: string, id: string, allowed: RegExp): void {
  if (!allowed.test(id)) throw invalid(`The ${name} ${preview(id)} is not valid: it must match ${allowed.source}`);
}
