/** One row of a Markdown table on standard output. */
export const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

/** A heading's two rows. */
export function head(...cells: string[]) {
  row(...cells)
  row(...cells.map(() => '---'))
}
