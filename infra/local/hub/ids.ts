/** Which device, module and configuration ids IoT Hub takes. */
import { HubError, invalid, shown } from './errors.ts';

/** A device twin, or with `moduleId` a module twin of that device. */
export interface Target {
  readonly deviceId: string;
  readonly moduleId?: string;
}

// "A case-sensitive string (up to 128 characters long) of ASCII 7-bit alphanumeric characters plus certain special
// characters: - . + % _ # * ? ! ( ) , : = @ $ '" (Identity registry, device identity properties).
const IDENTITY = /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/;

// Lower case only, and no dot (Automatic device management, configuration id).
const CONFIGURATION = /^[a-z0-9\-:+%_#*?!(),=@$']{1,128}$/;

/** Whether IoT Hub would register a device or module under this id. */
export function isIdentityId(id: string): boolean {
  return IDENTITY.test(id);
}

/** Throws 400 unless both ids of the target are well-formed. */
export function checkTarget(target: Target): void {
  check('deviceId', target.deviceId, IDENTITY);
  if (target.moduleId !== undefined) check('moduleId', target.moduleId, IDENTITY);
}

/** Throws 400 unless this can be a configuration's id. */
export function checkConfigurationId(id: string): void {
  check('configuration id', id, CONFIGURATION);
}

/** The 404 for a target that is not there. */
export function notFound(target: Target, missing: 'device' | 'module'): HubError {
  return missing === 'device'
    ? new HubError('DeviceNotFound', `Device ${target.deviceId} not registered`)
    : new HubError('ModuleNotFound', `Module ${target.moduleId} not found on device ${target.deviceId}`);
}

function check(what: string, id: string, allowed: RegExp): void {
  if (!allowed.test(id)) throw invalid(`The ${what} ${shown(id)} is not valid: 1 to 128 of ${allowed.source}`);
}
