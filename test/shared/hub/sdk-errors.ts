/** The time that the tests use as the present time. */
export const now = new Date('2026-11-22T08:00:00Z');

/** An error with the same fields as an error of `azure-iothub`. */
export function sdkError(statusCode: number, body = '', headers: Record<string, unknown> = {}): Error {
  return Object.assign(new Error('Error: the name that the SDK gives it'), {
    response: { statusCode, headers },
    responseBody: body,
  });
}

/** The body of an error response, in the format of IoT Hub. */
export const bodyOf = (code: string, message = 'text') =>
  JSON.stringify({ Message: `ErrorCode:${code};${message}`, ExceptionMessage: 'Tracking ID:0123' });
