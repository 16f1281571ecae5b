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

/** The fields that count. A line is told by its length and third letter before its letters are compared. */
const FIELDS = ['%FILENAME%', '%CSIZE%', '%SHA256SUM%', '%BUILDDATE%'].map((name) => Buffer.from(name))
const NEWLINE = 0x0a
const PERCENT = 0x25

/**
 * Reads a `desc` as libalpm does: a field's name stands alone on a line, its value follows, an empty line
 * ends it. Undefined when file name, size or SHA-256 is missing or is no such thing.
 */
export function parseDesc(content: Buffer): PackageEntry | undefined {
  const [name = '', size = '', sha256 = '', built = ''] = findFields(content)
  if (!isFileName(name) || !/^[1-9]\d{0,14}$/.test(size) || !/^[0-9a-f]{64}$/i.test(sha256)) return undefined
  const when = /^[1-9]\d{0,10}$/.test(built) ? { built: Number(built) } : {}
  return { name, size: Number(size), sha256: sha256.toLowerCase(), ...when }
}

/** The first value of each of FIELDS. Lines are short: a loop costs less than to call indexOf for each. */
function findFields(bytes: Buffer): (string | undefined)[] {
  const values: (string | undefined)[] = [undefined, undefined, undefined, undefined]
  let found = 0
  let field = -1
  let atFieldName = true
  for (let start = 0; start < bytes.length && found < FIELDS.length; ) {
    let end = start
    while (end < bytes.length && bytes[end] !== NEWLINE) end++
    if (atFieldName && bytes[start] === PERCENT) {
      field = fieldAt(bytes, start, end)
      if (values[field] !== undefined) field = -1
    } else if (field >= 0) {
      values[field] = bytes.toString('utf8', start, end)
      found++
      field = -1
    }
    atFieldName = end === start
    start = end + 1
  }
  return values
}

/** Which of FIELDS a line is; -1: none. */
function fieldAt(bytes: Buffer, start: number, end: number): number {
  return FIELDS.findIndex(
    (name) =>
      name.length === end - start &&
      name[2] === bytes[start + 2] &&
      bytes.compare(name, 0, name.length, start, end) === 0,
  )
}
