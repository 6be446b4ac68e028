import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { commonHeaders } from '../api/http/common-headers.ts';
import { ApiProblem, describeCause, toProblem, toProblemResponse } from '../api/http/problem.ts';
import type { LoadEndpoints } from '../api/index.ts';
import type { RouteName } from '../api/routes.ts';
import { answerDashboard } from '../dashboard/page.ts';
import { authorize, canSignIn, signInAddress } from './authorize.ts';

/** Answers a request of an operator with the endpoint of a route. Nothing is loaded and read for a caller who is refused. */
export async function answerOperator(
  request: HttpRequest,
  context: InvocationContext,
  loadEndpoints: LoadEndpoints,
  name: RouteName,
): Promise<HttpResponseInit> {
  try {
    const { id, name: userName } = authorize(request);
    const endpoints = await loadEndpoints();
    return await endpoints[name].answer(request, context, { type: 'user', name: userName, id });
  } catch (error) {
    return refuse(error, context);
  }
}

/** Answers with the dashboard, which shows who is signed in. A browser whose user has not signed in is sent to the sign-in. */
export async function answerPage(
  request: HttpRequest,
  context: InvocationContext,
  folder: string,
): Promise<HttpResponseInit> {
  const here = `/api/user/dashboard${new URL(request.url).search}`;
  try {
    const { name } = authorize(request);
    return await answerDashboard(folder, name);
  } catch (error) {
    if (error instanceof ApiProblem && canSignIn(request)) {
      return { status: 302, headers: { ...commonHeaders, location: signInAddress(here) } };
    }
    return refuse(error, context);
  }
}

/** The response for an error. The log has the cause of an error of the app. */
function refuse(error: unknown, context: InvocationContext): HttpResponseInit {
  const problem = toProblem(error, context.invocationId);
  if (problem.status >= 500) context.error(`${context.functionName}: ${problem.message} ${describeCause(problem)}`);
  return toProblemResponse(problem);
}
