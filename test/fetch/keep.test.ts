import { mkdtempSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createKeep } from '../../src/fetch/keep.ts'

const NOW = 1_800_000_000_000
/** More than from today until then. */
const AGE = 10_000_000_000
const nameOf = (name: string, version = '1') => `${name}-${version}-1-any.pkg.tar.zst`

function start({ limit = 1000, within = '', mostAgeMs = Number.POSITIVE_INFINITY } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'pacsrv-keep-'))
  const dir = join(root, within || 'keep')
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) }
  const keep = createKeep({ log, now: () => NOW }, { dir, limit, mostAgeMs })
  /** As a file in the spool, which somebody else has open and closes. */
  async function take(name: string, bytes: number) {
    const path = join(root, 'spooled')
    writeFileSync(path, 'x'.repeat(bytes))
    const handle = await open(path)
    try {
      return await keep.take({ name, size: bytes, sha256: '' }, handle)
    } finally {
      await handle.close()
    }
  }
  return { root, dir, keep, take, warnings, names: () => readdirSync(dir).sort() }
}

test('a file is kept whole, readable to all, and its signature beside it', async () => {
  const { dir, keep, take, names } = start()
  assert.is(await take(nameOf('a'), 500), true)
  await keep.sign(nameOf('a'), Buffer.from('signed'))
  assert.equal(names(), [nameOf('a'), `${nameOf('a')}.sig`])
  assert.is(readFileSync(join(dir, nameOf('a')), 'utf8'), 'x'.repeat(500))
  assert.is(statSync(join(dir, nameOf('a'))).mode & 0o777, 0o644)
})

test('what is over the limit goes before the next comes, with its signature', async () => {
  const { dir, keep, take, names } = start({ limit: 1000 })
  await take(nameOf('a'), 500)
  await keep.sign(nameOf('a'), Buffer.from('signed'))
  await take(nameOf('b'), 494)
  assert.is(names().length, 3)
  utimesSync(join(dir, nameOf('a')), 1_000, 1_000)
  await take(nameOf('c'), 400)
  assert.equal(names(), [nameOf('b'), nameOf('c')])
})

test('what was given to somebody lately stays; its time of change stays as it was', async () => {
  const { dir, keep, take, names } = start({ limit: 1000 })
  await take(nameOf('a'), 500)
  await take(nameOf('b'), 500)
  for (const name of ['a', 'b']) utimesSync(join(dir, nameOf(name)), 1_000, name === 'a' ? 900 : 1_000)
  keep.used(nameOf('a'))
  // The system's own threads write it: a number of turns says nothing of when.
  while (statSync(join(dir, nameOf('a'))).atimeMs !== NOW) await setImmediate()
  assert.is(statSync(join(dir, nameOf('a'))).atimeMs, NOW)
  assert.is(statSync(join(dir, nameOf('a'))).mtimeMs, 900_000)
  await take(nameOf('c'), 500)
  assert.equal(names(), [nameOf('a'), nameOf('c')])
})

test('larger than the keep, and what is no package, is not kept', async () => {
  const { dir, take } = start({ limit: 1000 })
  assert.is(await take(nameOf('a'), 1000), true)
  assert.is(await take(nameOf('b'), 1001), false)
  for (const name of [
    '../b-1-1-any.pkg.tar.zst',
    'b.sig',
    '.hidden-1-1-any.pkg.tar',
    'b-1-1-any.pkg.tar.zst.sig',
  ])
    assert.is(await take(name, 1), false, name)
  assert.equal(readdirSync(dir), [nameOf('a')])
})

test('a limit that was lowered holds from the next sweep on; what a killed daemon left goes', async () => {
  const { dir, take, names } = start({ limit: 1000 })
  await take(nameOf('a'), 400)
  await take(nameOf('b'), 400)
  writeFileSync(join(dir, `.${nameOf('c')}.part`), 'x')
  writeFileSync(join(dir, 'somebody-else’s file'), 'x')
  utimesSync(join(dir, nameOf('a')), 1_000, 1_000)
  await createKeep({ log: silentLog, now: () => NOW }, { dir, limit: 500 }).sweep()
  assert.equal(names(), [nameOf('b'), 'somebody-else’s file'])
})

test('a folder that can’t be: said once, and nothing thrown; a source that breaks off leaves nothing', async () => {
  const { root, take, warnings } = start({ within: 'spooled/keep' })
  writeFileSync(join(root, 'spooled'), '')
  assert.is(await take(nameOf('a'), 5), false)
  assert.is(await take(nameOf('b'), 5), false)
  assert.is(warnings.length, 1)
  assert.match(warnings[0]!, /can't be kept in .*spooled\/keep \(\[cache\] keep-dir\): ENOTDIR/)

  const other = start()
  let reads = 0
  const broken = {
    async read(buffer: Buffer) {
      if (reads++ > 0) throw new Error('EIO')
      return { bytesRead: 2, buffer }
    },
  } as unknown as FileHandle
  assert.is(await other.keep.take({ name: nameOf('a'), size: 5, sha256: '' }, broken), false)
  assert.equal(other.names(), [])
})

test('what nobody took in its time goes; what is to be had elsewhere goes at once, and nothing else', async () => {
  const { dir, keep, take, names } = start({ mostAgeMs: AGE })
  for (const name of ['a', 'b', 'c']) await take(nameOf(name), 10)
  for (const [name, age] of [
    ['a', AGE - 1],
    ['b', AGE],
  ] as const)
    utimesSync(join(dir, nameOf(name)), NOW / 1000, (NOW - age) / 1000)
  await keep.sweep()
  assert.equal(names(), [nameOf('a'), nameOf('c')])
  await keep.remove(nameOf('c'))
  await keep.remove('../spooled')
  assert.equal(names(), [nameOf('a')])
})

test.run()
