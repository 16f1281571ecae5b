/** Where `status --watch` is seen: a terminal that is drawn over, or a pipe. */
export interface Screen {
  show(lines: string[]): void
  close(): void
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows' | 'write'>

/** On a terminal each block takes the place of the one before; elsewhere an empty line parts them. */
export function openScreen(output: Output, term: string | undefined): Screen {
  if (!output.isTTY || term === undefined || term === 'dumb') {
    let isFirst = true
    return {
      show(lines) {
        output.write(`${isFirst ? '' : '\n'}${lines.join('\n')}\n`)
        isFirst = false
      },
      close() {},
    }
  }
  output.write(ENTER)
  return {
    show: (lines) => void output.write(frame(lines, output)),
    close: () => void output.write(LEAVE),
  }
}

/**
 * Draws the lines over what is there, in one write and without clearing the screen first, so that nothing flickers. What
 * has no room is left out, and said to be.
 */
export function frame(lines: string[], { columns, rows }: { columns: number; rows: number }): string {
  const width = columns > 0 ? columns : 80
  const height = rows > 0 ? rows : 24
  const fits = lines.length <= height
  const shown = fits ? lines : lines.slice(0, height - 1)
  const rest = fits ? [] : [`… ${lines.length - shown.length} more lines`]
  const drawn = [...shown, ...rest].map((line) => {
    const letters = [...line].slice(0, width)
    // Behind the last column the cursor still stands on it: what is cleared then is its letter.
    return letters.join('') + (letters.length < width ? CLEAR_LINE : '')
  })
  const below = drawn.length < height ? `\n${CLEAR_BELOW}` : ''
  return `${HOME}${drawn.join('\n')}${below}`
}
