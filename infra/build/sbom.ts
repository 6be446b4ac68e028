import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import parseSpdx from 'spdx-expression-parse';
import type { BundledPackage } from './packages.ts';

/** CycloneDX version of the bill of materials. */
export const sbomVersion = Spec.Version.v1dot6;

/**
 * The text of `sbom.cdx.json`, a bill of materials in the CycloneDX format. It lists the app and each npm package whose code is in the app.
 * It has no serial number and no time, which are optional, so that the same sources always give the same text.
 */
export function sbomOf(
  app: { readonly name: string; readonly version: string; readonly license: string },
  packages: readonly BundledPackage[],
): string {
  const root = component(Enums.ComponentType.Application, app);
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: root }) });
  for (const each of packages) {
    const library = component(Enums.ComponentType.Library, each);
    bom.components.add(library);
    root.dependencies.add(library.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

const licenses = new Contrib.License.Factories.LicenseFactory(parseSpdx);

function component(
  type: Enums.ComponentType,
  { name, version, license }: { readonly name: string; readonly version: string; readonly license: string },
): Models.Component {
  const [last = '', scope] = name.split('/').reverse();
  const purl = new PackageURL('npm', scope, last, version).toString();
  return new Models.Component(type, last, {
    ...(scope === undefined ? {} : { group: scope }),
    version,
    purl,
    bomRef: purl,
    licenses: new Models.LicenseRepository([licenses.makeFromString(license)]),
  });
}
