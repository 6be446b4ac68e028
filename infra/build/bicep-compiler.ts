import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version of Microsoft's Bicep compiler that makes `main.json`. Another version makes another file. */
const version = '0.49.2';

/** The message for a machine on which no compiler can be had. */
export const bicepAdvice =
  'There is no Bicep compiler, and no dotnet to fetch it with: install the .NET SDK, version 8 or later, which restores it from NuGet.';

/**
 * Finds the Bicep compiler in the NuGet cache of this machine. When it is not there, fetches it with `dotnet restore`: some 115 MB. The
 * compiler is a program of its own, so it needs dotnet only for its way here.
 *
 * @returns the path of the compiler, or `undefined` when neither the compiler nor dotnet is there
 * @throws An Error that says why, when dotnet cannot fetch the compiler.
 */
export async function bicepCompiler(): Promise<string | undefined> {
  const name = `Azure.Bicep.CommandLine.${runtimeId()}`;
  const cache = process.env.NUGET_PACKAGES || join(homedir(), '.nuget/packages');
  const file = process.platform === 'win32' ? 'bicep.exe' : 'bicep';
  const compiler = join(cache, name.toLowerCase(), version, 'tools', file);
  if (existsSync(compiler)) return compiler;
  if (!(await hasDotnet())) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'bicep-'));
  try {
    await writeFile(join(folder, 'bicep.csproj'), projectOf(name));
    await run('dotnet', ['restore', folder]);
  } catch (error) {
    throw new Error(`dotnet could not fetch ${name} ${version}: ${(error as { stdout?: string }).stdout || error}`);
  } finally {
    await rm(folder, { recursive: true });
  }
  return compiler;
}

async function hasDotnet(): Promise<boolean> {
  try {
    await run('dotnet', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** The name of this platform in NuGet, such as `linux-x64`. */
function runtimeId(): string {
  const systems: Readonly<Record<string, string>> = { darwin: 'osx', win32: 'win' };
  return `${systems[process.platform] ?? process.platform}-${process.arch}`;
}

/** A project that only downloads the package. It targets the .NET version of the SDK that restores it. */
function projectOf(name: string): string {
  return `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework></PropertyGroup>
  <ItemGroup><PackageDownload Include="${name}" Version="[${version}]" /></ItemGroup>
</Project>
`;
}
