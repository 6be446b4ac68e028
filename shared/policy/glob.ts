/**
 * Splits a pattern at its asterisks. `*` matches any number of any characters, and `\*` matches an asterisk. A list of one text means a
 * whole text without an asterisk.
 */
export function globPieces(glob: string): readonly string[] {
  return glob.split(/(?<!\\)\*+/).map((piece) => piece.replaceAll('\\*', '*'));
}

/**
 * Makes a function that tests a text against a pattern. The function finds the pieces of the pattern one after the other, each at its first
 * position in the text. A regular expression could need exponential time to reject a text.
 */
export function toGlobTest([first = '', ...inner]: readonly string[]): (text: string) => boolean {
  const others = [...inner];
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    const end = text.length - last.length;
    if (!text.startsWith(first) || !text.endsWith(last) || end < first.length) return false;
    let at = first.length;
    for (const piece of others) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
