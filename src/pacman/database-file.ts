import { spawn } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { asError, PacsrvError, systemCode } from '../base/error.ts'
import { readInPlace } from '../base/in-place.ts'
import { parseDesc } from './desc.ts'
import { createPackageTable, type Packages } from './package-table.ts'
import { createTarParser, type TarLimits } from './tar.ts'

/** Arch's largest is 9 MB packed, 60 MB unpacked; a `desc` has 1 to 20 KiB. */
const LIMITS: TarLimits = { totalBytes: 1024 ** 3, entryBytes: 1024 ** 2 }
/** Bytes read and parsed at a time, between which the event loop does other things. */
const STEP = 64 * 1024
/**
 * gzip up to this is unpacked here: that takes less than to start bsdtar (10 ms). A larger one would leave its size in
 * garbage, a buffer for each STEP: 25 MB of memory for Arch's.
 */
const SMALL_GZIP = 512 * 1024
/** Of a package in Arch's databases, whose signatures don't shrink; more than that are made room for as they come. */
const PACKED_BYTES = 520
const MOST_EXPECTED = 20_000
const BSDTAR_MS = 30_000

type Take = (bytes: Uint8Array) => void

/**
 * Reads a sync database, whatever its compression: plain tar and small gzip here, all else by bsdtar, which turns
 * it into a plain tar. Entries that lack a name, size or SHA-256 are left out.
 * Throws PacsrvError `database` when the content is no whole database, the system's error when it can't be
 * read.
 */
export async function readDatabase(handle: FileHandle, limits = LIMITS): Promise<Packages> {
  const expected = Math.ceil((await handle.stat()).size / PACKED_BYTES)
  const packages = createPackageTable(Math.min(expected, MOST_EXPECTED))
  await readDescs(
    handle,
    (desc) => {
      const entry = parseDesc(desc)
      if (entry) packages.add(entry)
      return true
    },
    limits,
  )
  return packages
}

/** Thrown by who has heard enough, and caught below. */
const ENOUGH = new Error('enough')

/**
 * Hands on the `desc` of each package, valid only during the call, until `take` returns false. Throws as `readDatabase`
 * does.
 */
export async function readDescs(
  handle: FileHandle,
  take: (desc: Buffer) => boolean,
  limits = LIMITS,
): Promise<void> {
  const tar = createTarParser(limits, isDesc)
  try {
    await unpack(handle, (bytes) => {
      for (const { content } of tar.push(bytes))
        if (!take(Buffer.from(content.buffer, content.byteOffset, content.length))) throw ENOUGH
    })
    tar.end()
  } catch (error) {
    if (error !== ENOUGH) throw error
  }
}

const isDesc = (path: string) => path.endsWith('/desc')

/** Hands on the plain tar inside, piece by piece, each valid only during the call. */
async function unpack(handle: FileHandle, take: Take): Promise<void> {
  const head = Buffer.alloc(262)
  const { bytesRead } = await handle.read(head, 0, head.length, 0)
  if (bytesRead === 0) throw new PacsrvError('database', 'it is empty')
  const isGzip = head.readUInt16BE() === 0x1f8b
  if (isGzip && (await handle.stat()).size <= SMALL_GZIP) return gunzip(handle, take)
  if (head.toString('latin1', 257, 262) === 'ustar') return readPlain(handle, take)
  try {
    await bsdtar(handle, take)
  } catch (error) {
    if (!isGzip || systemCode(error) !== 'ENOENT') throw error
    await gunzip(handle, take)
  }
}

const readFrom = (handle: FileHandle) =>
  handle.createReadStream({ start: 0, autoClose: false, highWaterMark: STEP })

async function readPlain(handle: FileHandle, take: Take): Promise<void> {
  for await (const bytes of readFrom(handle)) take(bytes)
}

async function gunzip(handle: FileHandle, take: Take): Promise<void> {
  try {
    for await (const bytes of pipeline(readFrom(handle), createGunzip({ chunkSize: STEP }), () => {}))
      take(bytes)
  } catch (error) {
    if (!systemCode(error)?.startsWith('Z_')) throw error
    throw new PacsrvError('database', 'it is cut short or damaged', error)
  }
}

/** The file is its stdin: it is then the one we opened, whatever its name and whatever replaced it. */
function bsdtar(handle: FileHandle, take: Take): Promise<void> {
  return new Promise((resolve, reject) => {
    const words = ['-cf', '-', '--format=pax', '--include', '*/desc', '@-']
    const child = spawn('bsdtar', words, {
      stdio: [handle.fd, 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    })
    const late = setTimeout(() => fail(new PacsrvError('database', 'bsdtar takes too long')), BSDTAR_MS)
    let problem: unknown
    let unended = 2

    function fail(error: unknown) {
      problem ??= error
      child.kill('SIGKILL')
    }

    /** Its standard output may close before or after the rest of it. */
    function onEnded() {
      if (--unended > 0) return
      clearTimeout(late)
      const { exitCode, signalCode } = child
      if (problem !== undefined) reject(problem)
      else if (exitCode === 0) resolve()
      else if (exitCode === null) reject(new Error(`bsdtar was ended by ${signalCode}`))
      else reject(new PacsrvError('database', 'bsdtar cannot read it'))
    }

    inPlace(child.stdout as Socket, (bytes) => {
      try {
        if (problem === undefined) take(bytes)
      } catch (error) {
        fail(asError(error))
      }
    }).once('close', onEnded)
    child.once('error', fail).once('close', onEnded)
  })
}

/** Into one buffer again and again: what a program says of Arch's databases is 25 MB. */
function inPlace(given: Socket, take: Take): Socket {
  const buffer = Buffer.allocUnsafeSlow(STEP)
  const callback = (count: number) => {
    take(buffer.subarray(0, count))
    return true
  }
  return readInPlace(given, { buffer, callback })?.resume() ?? given.on('data', take)
}
