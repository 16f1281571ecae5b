/**
 * What a file costs this machine, in CPU, from its first chunk to its last byte read again: `node --import tsx bench/file.ts`.
 * No network and no job: a partial file in a spool under /tmp, its chunks hashed and kept, the whole checked, noted, closed,
 * read by whoever waits for it, and let go. All threads of the process count.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { chunkCount, chunkLength, chunkSize } from '../src/base/chunks.ts'
import { silentLog } from '../src/base/log.ts'
import { sha256 } from '../src/base/sha256.ts'
import { openPartialFile } from '../src/fetch/file/partial-file.ts'
import { createSpool } from '../src/fetch/file/spool.ts'
import { createWholeHasher } from '../src/fetch/file/whole-hash.ts'
import { createBufferPool } from '../src/wire/pool.ts'
import { head, row } from './table.ts'

const MIB = 1024 * 1024
const READ_BYTES = 256 * 1024
/** Chunks that may be under way at once. */
const AT_ONCE = 16

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-file-'))
process.on('exit', () => rmSync(dir, { recursive: true }))
const outfile = join(dir, 'worker.cjs')
const worker = join(import.meta.dirname, '../src/fetch/file/whole-hash-worker.ts')
buildSync({ entryPoints: [worker], outfile, bundle: true, platform: 'node', format: 'cjs' })
const spool = createSpool({ log: silentLog }, { dir: join(dir, 'spool') })
const hasher = createWholeHasher(pathToFileURL(outfile))
const pool = createBufferPool()

async function fetchOnce(content: Buffer, hash: string) {
  const size = content.length
  const partial = await openPartialFile(
    { spool, hasher, recycle: pool.release },
    { sha256: hash, name: 'x', size },
    () => {},
  )
  const keeping: Promise<unknown>[] = []
  for (let chunk = 0; chunk < chunkCount(size); chunk++) {
    const bytes = pool.acquire(chunkLength(size, chunk))
    content.copy(bytes, 0, chunk * chunkSize(size))
    const kept = { origin: 'peer', hash: await partial.digest(bytes), bytes } as const
    keeping.push(partial.keep(chunk, kept, () => true))
    await nextTurn()
    if (keeping.length === AT_ONCE) await Promise.all(keeping.splice(0))
  }
  await Promise.all(keeping)
  if (!(await partial.isRight())) throw new Error('it is not what was kept')
  partial.completed({ fromPeers: size, fromSite: 0, fromMirror: 0, peers: ['a'] })
  await partial.save()
  await partial.close()
  const whole = await spool.complete(hash)
  if (!whole) throw new Error('it is gone')
  const buffer = Buffer.alloc(Math.min(size, READ_BYTES))
  for (let at = 0; at < size; at += buffer.length)
    await whole.handle.read(buffer, 0, Math.min(buffer.length, size - at), at)
  await whole.handle.close()
  await spool.discard(hash)
}

head('a file of', 'CPU ms', 'of these, user', 'CPU ms a MiB')
for (const [size, count] of [
  [30_000, 300],
  [200_000, 100],
  [MIB, 50],
  [40 * MIB, 4],
  [128 * MIB, 2],
] as const) {
  const content = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4096) content.writeUInt32LE(at, at)
  const hash = sha256(content)
  await fetchOnce(content, hash)
  const before = process.cpuUsage()
  for (let n = 0; n < count; n++) await fetchOnce(content, hash)
  const { user, system } = process.cpuUsage(before)
  const ms = (user + system) / 1000 / count
  row(
    size < MIB ? `${size / 1000} KB` : `${size / MIB} MiB`,
    ms.toFixed(2),
    (user / 1000 / count).toFixed(2),
    ((ms * MIB) / size).toFixed(1),
  )
}
await hasher.close()
process.exit(0)
