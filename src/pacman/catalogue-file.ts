import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { Packr } from 'msgpackr'
import { HASH_BYTES, rootOf } from '../base/chunks.ts'
import { systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { sha256 } from '../base/sha256.ts'
import type { CatalogueFile } from './holdings.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, moreTypes: false, structuredClone: false })

/** First in the file; another one when the rows change. */
const FORMAT = 'pacsrv catalogue 1'
const CHECKSUM_BYTES = 32

type Row = [path: string, size: number, mtimeMs: number, inode: number, sha256: Buffer, chunkHashes: Buffer]

/**
 * The catalogue of an earlier run, by path; empty when there is none. One that isn't whole is warned of: a
 * wrong chunk hash would make others take us for a liar, so a checksum goes before all else.
 */
export async function loadCatalogue(log: Log, stateFile: string): Promise<Map<string, CatalogueFile>> {
  try {
    return new Map(decode(await readFile(stateFile)).map((file) => [file.path, file]))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT')
      log.warn({ stateFile, err: error }, `${stateFile} can't be used, all packages are hashed again`)
    return new Map()
  }
}

/** Replaces the file at once or not at all. Throws the system's error. */
export async function saveCatalogue(stateFile: string, files: CatalogueFile[]): Promise<void> {
  const part = `${stateFile}.part`
  try {
    await writeDurably(part, encode(files))
    await rename(part, stateFile)
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    throw error
  }
}

async function writeDurably(path: string, content: Uint8Array) {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function encode(files: CatalogueFile[]): Buffer {
  const rows = files.map((file): Row => {
    const { path, size, mtimeMs, inode } = file
    return [path, size, mtimeMs, inode, Buffer.from(file.sha256, 'hex'), Buffer.from(file.chunkHashes)]
  })
  const body = packr.pack([FORMAT, rows])
  return Buffer.concat([Buffer.from(sha256(body), 'hex'), body])
}

function decode(content: Buffer): CatalogueFile[] {
  const body = content.subarray(CHECKSUM_BYTES)
  if (sha256(body) !== content.toString('hex', 0, CHECKSUM_BYTES)) throw new Error('the checksum is wrong')
  const [format, rows] = packr.unpack(body) as [string, unknown[]]
  if (format !== FORMAT) throw new Error(`its format is ${format}, not ${FORMAT}`)
  return rows.map((row) => {
    if (!isRow(row)) throw new Error('a row of it is none')
    const [path, size, mtimeMs, inode, hash, chunkHashes] = row
    return {
      path,
      name: basename(path),
      size,
      mtimeMs,
      inode,
      sha256: hash.toString('hex'),
      root: rootOf(chunkHashes),
      chunkHashes,
    }
  })
}

/** A checksum tells what was changed since, not what a faulty program wrote. */
function isRow(row: unknown): row is Row {
  if (!Array.isArray(row) || row.length !== 6) return false
  const [path, size, mtimeMs, inode, hash, chunkHashes] = row as unknown[]
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(size) &&
    Number.isFinite(mtimeMs) &&
    Number.isSafeInteger(inode) &&
    Buffer.isBuffer(hash) &&
    hash.length === HASH_BYTES &&
    Buffer.isBuffer(chunkHashes) &&
    chunkHashes.length % HASH_BYTES === 0
  )
}
