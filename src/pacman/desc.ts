import { isFileName } from './file-name.ts'

/** What a sync database promises of one package file. */
export interface PackageEntry {
  name: string
  /** Bytes. */
  size: number
  /** 64 lower-case hex digits. */
  sha256: string
  /** When it was built, in seconds since 1970; left out where the database doesn't say. */
  built?: number
}

const FIELDS = ['%FILENAME%', '%CSIZE%', '%SHA256SUM%', '%BUILDDATE%'] as const
/** Most lines are told apart by length and third letter, and are never decoded. */
const MARKS = FIELDS.map((field) => ({ field, length: field.length, letter: field.charCodeAt(2) }))
const NEWLINE = 0x0a
const PERCENT = 0x25

/**
 * Reads a `desc` as libalpm does: a field's name stands alone on a line, its value follows, an empty line
 * ends it. Undefined when file name, size or SHA-256 is missing or is no such thing.
 */
export function parseDesc(content: Uint8Array): PackageEntry | undefined {
  const values = findFields(content)
  const name = values.get('%FILENAME%') ?? ''
  const size = values.get('%CSIZE%') ?? ''
  const sha256 = values.get('%SHA256SUM%') ?? ''
  if (!isFileName(name) || !/^[1-9]\d{0,14}$/.test(size) || !/^[0-9a-f]{64}$/i.test(sha256)) return undefined
  const built = values.get('%BUILDDATE%') ?? ''
  const when = /^[1-9]\d{0,10}$/.test(built) ? { built: Number(built) } : {}
  return { name, size: Number(size), sha256: sha256.toLowerCase(), ...when }
}

function findFields(content: Uint8Array): Map<string, string> {
  // Each value is decoded by itself: a slice of the decoded whole would keep all of it in memory.
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length)
  const values = new Map<string, string>()
  let field: string | undefined
  let atFieldName = true
  for (let start = 0; start < bytes.length && values.size < FIELDS.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline
    if (atFieldName && bytes[start] === PERCENT) {
      const mark = MARKS.find(({ length, letter }) => end - start === length && bytes[start + 2] === letter)
      const known = mark && bytes.toString('latin1', start, end) === mark.field ? mark.field : undefined
      field = known && !values.has(known) ? known : undefined
    } else if (field) {
      values.set(field, bytes.toString('utf8', start, end))
      field = undefined
    }
    atFieldName = end === start
    start = end + 1
  }
  return values
}
