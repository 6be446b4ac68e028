/** One simple command of a shell script: its words, without redirections, assignments in front and comments. */
export type ShellCommand = readonly string[];

/**
 * Finds the simple commands in a text of shell code. It knows the shell syntax that the documentation uses: comments, pipes, `&&`, `;`, `||`,
 * subshells, command substitutions, assignments, redirections, and quotes around words without spaces.
 */
export function shellCommands(code: string): readonly ShellCommand[] {
  return code
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/\s*(?:&&|\|\||[;|()]|\$\()\s*/))
    .map(toWords)
    .filter((words) => words.length > 0);
}

function toWords(command: string): ShellCommand {
  const words = command.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const start = words.findIndex((word) => !/^(export|\$|[A-Za-z_]\w*=.*)$/.test(word));
  const own = start === -1 ? [] : words.slice(start);
  const redirection = own.findIndex((word) => /^\d?[<>]/.test(word));
  return redirection === -1 ? own : own.slice(0, redirection);
}
