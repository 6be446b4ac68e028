/** The device, module and configuration ids that IoT Hub accepts. */
import { HubError, invalid, preview } from './errors.ts';

/** Names a device, or with `moduleId` a module of that device. */
export interface Target {
  readonly deviceId: string;
  readonly moduleId?: string;
}

// "A case-sensitive string (up to 128 characters long) of ASCII 7-bit alphanumeric characters plus certain special
// characters: - . + % _ # * ? ! ( ) , : = @ $ '" (Identity registry, device identity properties).
const identityPattern = /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/;

// Lower case only and no dot ("Automatic device management", configuration id).
const configurationPattern = /^[a-z0-9\-:+%_#*?!(),=@$']{1,128}$/;

/** Whether IoT Hub accepts this device or module id. */
export function isIdentityId(id: string): boolean {
  return identityPattern.test(id);
}

/** Throws 400 unless both ids of the target are well-formed. */
export function checkTarget(target: Target): void {
  check('deviceId', target.deviceId, identityPattern);
  if (target.moduleId !== undefined) check('moduleId', target.moduleId, identityPattern);
}

/** Throws 400 unless the configuration id is well-formed. */
export function checkConfigurationId(id: string): void {
  check('configuration id', id, configurationPattern);
}

/** The 404 for a missing device or module. */
export function notFound(target: Target, missing: 'device' | 'module'): HubError {
  return missing === 'device'
    ? new HubError('DeviceNotFound', `Device ${target.deviceId} not registered`)
    : new HubError('ModuleNotFound', `Module ${target.moduleId} not found on device ${target.deviceId}`);
}

function check(name: string, id: string, allowed: RegExp): void {
  if (!allowed.test(id)) throw invalid(`The ${name} ${preview(id)} is not valid: it must match ${allowed.source}`);
}
