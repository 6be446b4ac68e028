/** azd runs this before it deletes the resources: it says what happens to the history, and takes Twinkeeper out of the hub's routing. */
import { runCommand } from './run-command.js';

const { HISTORY_IS_PROTECTED, STORAGE_ACCOUNT_NAME, AZURE_RESOURCE_GROUP, EVENTHUB_FULLY_QUALIFIED_NAMESPACE } =
  process.env;

// The outputs of the deployment are missing when no deployment has succeeded. Nothing was connected then, and azd must still be able to clean up.
if (EVENTHUB_FULLY_QUALIFIED_NAMESPACE) {
  console.log(
    HISTORY_IS_PROTECTED === 'true'
      ? `The history stays: the storage account ${STORAGE_ACCOUNT_NAME} is locked. azd down will end with an error that names the lock. docs/deploy.md says how to remove it.`
      : `azd down deletes the resource group ${AZURE_RESOURCE_GROUP}, and with it the whole history. To keep it, stop now and export it: npx twinkeeper drift --from -1095d --csv > history.csv`,
  );
  console.log('The hub is disconnected first. If you keep the deployment after all, run "npx twinkeeper connect".');
  runCommand('disconnect', '--ignore-missing');
} else {
  console.log('No deployment has succeeded in this environment, so the hub was not connected. It stays as it is.');
}
