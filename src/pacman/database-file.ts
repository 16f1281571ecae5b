import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { execa } from 'execa'
import { PacsrvError, systemCode } from '../base/error.ts'
import { parseDesc } from './desc.ts'
import { createPackageTable, type Packages } from './package-table.ts'
import { readTar, type TarLimits } from './tar.ts'

/** Arch's largest is 9 MB packed, 60 MB unpacked; a `desc` has 1 to 20 KiB. */
const LIMITS: TarLimits = { totalBytes: 1024 ** 3, entryBytes: 1024 ** 2 }
/** Bytes read and parsed at a time, between which the event loop does other things. */
const STEP = 256 * 1024
const BSDTAR_MS = 30_000

/**
 * Reads a sync database, whatever its compression: gzip and plain tar here, all else by bsdtar, which turns
 * it into a plain tar. Entries that lack a name, size or SHA-256 are left out.
 * Throws PacsrvError `database` when the content is no whole database, the system's error when it can't be
 * read.
 */
export async function readDatabase(handle: FileHandle, limits = LIMITS): Promise<Packages> {
  const packages = createPackageTable()
  for await (const content of readDescs(handle, limits)) {
    const entry = parseDesc(content)
    if (entry) packages.add(entry)
  }
  return packages
}

/** The `desc` of each package, valid until the next is asked for. Throws as `readDatabase` does. */
export async function* readDescs(handle: FileHandle, limits = LIMITS): AsyncGenerator<Buffer> {
  for await (const { content } of readTar(await unpack(handle), limits, isDesc))
    yield Buffer.from(content.buffer, content.byteOffset, content.length)
}

const isDesc = (path: string) => path.endsWith('/desc')

/** The plain tar inside. */
async function unpack(handle: FileHandle): Promise<AsyncIterable<Uint8Array>> {
  const head = Buffer.alloc(262)
  const { bytesRead } = await handle.read(head, 0, head.length, 0)
  if (bytesRead === 0) throw new PacsrvError('database', 'it is empty')
  if (head.readUInt16BE() === 0x1f8b) return gunzip(handle)
  return head.toString('latin1', 257, 262) === 'ustar' ? readFrom(handle) : bsdtar(handle)
}

const readFrom = (handle: FileHandle) =>
  handle.createReadStream({ start: 0, autoClose: false, highWaterMark: STEP })

async function* gunzip(handle: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    yield* pipeline(readFrom(handle), createGunzip({ chunkSize: STEP }), () => {})
  } catch (error) {
    if (!systemCode(error)?.startsWith('Z_')) throw error
    throw new PacsrvError('database', 'it is cut short or damaged', error)
  }
}

/** The file goes in by stdin: it is then the one we opened, whatever its name and whatever replaced it. */
async function* bsdtar(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const process = execa('bsdtar', ['-cf', '-', '--format=pax', '--include', '*/desc', '@-'], {
    input: readFrom(handle),
    buffer: { stdout: false },
    encoding: 'buffer',
    env: { LC_ALL: 'C.UTF-8' },
    timeout: BSDTAR_MS,
    reject: false,
  })
  try {
    yield* process.stdout
  } finally {
    process.kill()
  }
  const result = await process
  if (!result.failed) return
  if (result.exitCode === undefined && !result.timedOut) throw result
  throw new PacsrvError('database', 'bsdtar cannot read it', result)
}
