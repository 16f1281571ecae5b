import { PacsrvError } from '../base/error.ts'

/** Where in the file the bytes that follow begin. */
export interface MirrorHead {
  offset: number
}

export interface ExpectedRange {
  /** First byte that was asked for. */
  start: number
  /** Bytes of the whole file by the sync database. */
  size: number
}

const HEAD_BYTES = 64 * 1024
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Reads what `curl -i` puts before the body: the head of every answer on the way, the last one counts.
 * The function returned takes bytes until the body begins, then gives its first bytes back with the head.
 * Throws PacsrvError `mismatch` for a file of another size, `mirror` for an answer that can't be the file.
 */
export function createHeadReader(
  expected: ExpectedRange,
): (bytes: Uint8Array) => { head: MirrorHead; body: Uint8Array } | undefined {
  let gathered = Buffer.alloc(0)
  return (bytes) => {
    gathered = Buffer.concat([gathered, bytes])
    for (;;) {
      const end = gathered.indexOf('\r\n\r\n')
      if (end < 0) {
        if (gathered.length > HEAD_BYTES)
          throw new PacsrvError('mirror', 'the mirror sent no proper HTTP head')
        return undefined
      }
      const lines = gathered.subarray(0, end).toString('latin1').split('\r\n')
      gathered = gathered.subarray(end + 4)
      const status = Number(/^HTTP\/\d(?:\.\d)? (\d{3})/.exec(lines[0]!)?.[1])
      if (
        (status >= 100 && status < 200) ||
        (REDIRECTS.has(status) && header(lines, 'location') !== undefined)
      )
        continue
      return { head: judge(status, lines, expected), body: gathered }
    }
  }
}

function judge(status: number, lines: string[], { start, size }: ExpectedRange): MirrorHead {
  const wrongSize = (found: number) =>
    new PacsrvError('mismatch', `the mirror's file has ${found} bytes where the sync database names ${size}`)
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header(lines, 'content-range') ?? '')
    if (!range || Number(range[1]) !== start) throw new PacsrvError('mirror', 'the mirror sent another range')
    if (range[2] !== '*' && Number(range[2]) !== size) throw wrongSize(Number(range[2]))
    return { offset: start }
  }
  if (status !== 200)
    throw new PacsrvError('mirror', `the mirror answered ${status || 'nonsense'}`, { status })
  const length = header(lines, 'content-length')
  if (length !== undefined && Number(length) !== size) throw wrongSize(Number(length))
  return { offset: 0 }
}

function header(lines: string[], name: string): string | undefined {
  const line = lines.slice(1).find((line) => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
  return line?.slice(name.length + 1).trim()
}
