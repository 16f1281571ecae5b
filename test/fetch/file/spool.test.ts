import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createSpool } from '../../../src/fetch/file/spool.ts'
import { chunkOf, makeContent } from '../job/lab.ts'

const content = makeContent(5 * 65_536 - 3)
const file = { sha256: sha256(content), name: 'some-1-1-any.pkg.tar.zst', size: content.length }
const origins = { fromPeers: 1, fromSite: 0, fromMirror: 2, peers: ['a', 'b', 'c'] }
const HOUR = 3_600_000

const test = suite<{ dir: string }>('spool')
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'pacsrv-spool-'))
})
test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }))

const spoolIn = (dir: string, idleBytes?: number) =>
  createSpool(
    { log: silentLog },
    { dir: join(dir, 'spool'), memoryBytes: 0, ...(idleBytes === undefined ? {} : { idleBytes }) },
  )

async function leave(dir: string, chunks: number[], what = file, bytes = content) {
  const spooled = await spoolIn(dir).open(what)
  for (const chunk of chunks) await spooled.write(chunk, [chunkOf(bytes, chunk)])
  await spooled.save(chunks)
  await spooled.close('keep')
  return spooled.path
}

async function rejection(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('it should have failed')
}

test('what was noted is found by the next, also of another process', async ({ dir }) => {
  await leave(dir, [0, 4])
  const again = await spoolIn(dir).open(file)
  assert.equal(again.found, [0, 4])
  const buffer = Buffer.alloc(65_536 - 3)
  await again.read(buffer, 4 * 65_536)
  assert.ok(buffer.equals(chunkOf(content, 4)))
  await again.close('keep')
})

test('useless: nothing stays', async ({ dir }) => {
  const spooled = await spoolIn(dir).open(file)
  await spooled.save([])
  await spooled.close('useless')
  assert.equal(readdirSync(join(dir, 'spool')), [])
})

for (const [why, spoil] of [
  ['cut short', (text: string) => text.slice(0, 20)],
  ['empty', () => ''],
  ['garbage', () => '\0\0\0'],
  ['null', () => 'null'],
  ['without chunks', () => JSON.stringify({ name: file.name, size: file.size })],
  ['of another size', (text: string) => text.replace(String(file.size), '7')],
] as const) {
  test(`a note that is ${why}: the file begins anew`, async ({ dir }) => {
    const path = await leave(dir, [0, 4])
    const note = path.replace('.data', '.json')
    writeFileSync(note, spoil(readFileSync(note, 'utf8')))
    const again = await spoolIn(dir).open(file)
    assert.equal(again.found, [])
    await again.close('keep')
  })
}

test('what is to be had elsewhere is removed, but from under nobody', async ({ dir }) => {
  const spool = spoolIn(dir)
  const spooled = await spool.open(file)
  for (let chunk = 0; chunk < 5; chunk++) await spooled.write(chunk, [chunkOf(content, chunk)])
  spooled.completed(origins)
  await spool.discard(file.sha256)
  assert.ok(spool.isComplete(file.sha256), 'it was open')
  await spooled.close('keep')
  const removed = spool.discard(file.sha256)
  const next = spool.open(file)
  await removed
  assert.not(spool.isComplete(file.sha256))
  const again = await next
  assert.equal(again.found, [])
  await again.write(0, [chunkOf(content, 0)])
  await again.save([0])
  await again.close('keep')
  assert.is(readdirSync(join(dir, 'spool')).length, 2, 'what came after it stays')
  await spool.discard('f'.repeat(64))
})

test('a note whose data is gone: no failure', async ({ dir }) => {
  const path = await leave(dir, [0, 4])
  rmSync(path)
  const again = await spoolIn(dir).open(file)
  assert.equal(again.found, [])
  await again.close('keep')
})

test('a note with more bits than chunks: the others are passed over', async ({ dir }) => {
  const path = await leave(dir, [0])
  const note = path.replace('.data', '.json')
  writeFileSync(note, JSON.stringify({ ...JSON.parse(readFileSync(note, 'utf8')), chunks: '////////' }))
  const again = await spoolIn(dir).open(file)
  assert.equal(again.found, [0, 1, 2, 3, 4])
  await again.close('keep')
})

test('a second one waits until the first has closed, and finds what it kept', async ({ dir }) => {
  const spool = spoolIn(dir)
  const first = await spool.open(file)
  let opened = false
  const second = spool.open(file).then((spooled) => {
    opened = true
    return spooled
  })
  await first.write(2, [chunkOf(content, 2)])
  await first.save([2])
  assert.not.ok(opened)
  await first.close('keep')
  assert.equal((await second).found, [2])
  await (await second).close('keep')
})

test('a first one that leaves nothing does not take the second one’s file away', async ({ dir }) => {
  const spool = spoolIn(dir)
  const first = await spool.open(file)
  const second = spool.open(file)
  await first.close('useless')
  const spooled = await second
  assert.ok(statSync(spooled.path).size > 0)
  await spooled.close('keep')
})

test('complete only once it was said to be', async ({ dir }) => {
  const spool = spoolIn(dir)
  const spooled = await spool.open(file)
  for (let chunk = 0; chunk < 5; chunk++) await spooled.write(chunk, [chunkOf(content, chunk)])
  assert.is(await spool.complete(file.sha256), undefined)
  spooled.completed(origins)
  await spooled.close('keep')
  const found = await spool.complete(file.sha256)
  assert.equal([found!.size, found!.from], [content.length, origins])
  const bytes = Buffer.alloc(content.length)
  await found!.handle.read(bytes, 0, bytes.length, 0)
  assert.ok(bytes.equals(content))
  await found!.handle.close()
  rmSync(spooled.path)
  assert.is(await spool.complete(file.sha256), undefined)
})

test('a whole file that somebody has written to since is no longer one', async ({ dir }) => {
  const dropped: string[] = []
  const spool = createSpool(
    { log: silentLog, onDropped: (sha256) => dropped.push(sha256) },
    { dir, memoryBytes: 0 },
  )
  const spooled = await spool.open(file)
  for (let chunk = 0; chunk < 5; chunk++) await spooled.write(chunk, [chunkOf(content, chunk)])
  spooled.completed(origins)
  await spooled.close('keep')
  // A file's times may be no finer than a tick of the kernel's.
  const { ctimeMs } = statSync(spooled.path)
  do writeFileSync(spooled.path, 'x', { flag: 'r+' })
  while (statSync(spooled.path).ctimeMs === ctimeMs)
  assert.is(await spool.complete(file.sha256), undefined)
  assert.equal(dropped, [file.sha256])
})

test('another size than is free: a clear error, and what is idle is removed first', async ({ dir }) => {
  const path = await leave(dir, [0])
  const huge = { sha256: 'f'.repeat(64), name: 'huge', size: 2 ** 50 }
  const spool = spoolIn(dir)
  const { code, message } = await rejection(spool.open(huge))
  assert.is(code, 'spool')
  assert.match(message, /no room .* free some/)
  assert.not.ok(readdirSync(join(dir, 'spool')).includes(path.split('/').at(-1)!))
  assert.is((await rejection(spool.open(huge))).code, 'spool', 'and nobody waits for it afterwards')
})

test('a folder that may not be written: a clear error', async ({ dir }) => {
  if (process.getuid?.() === 0) {
    writeFileSync(join(dir, 'spool'), 'a file in its place')
  } else await chmod(dir, 0o500)
  const { code, message } = await rejection(spoolIn(dir).open(file))
  assert.is(code, 'spool')
  assert.match(message, "can't keep some-1-1-any")
  await chmod(dir, 0o700)
})

test('sweeping: what is old goes, and what is foreign or in use stays', async ({ dir }) => {
  const hashes = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64))
  const [fresh, old, held] = hashes
  const paths = await Promise.all([fresh, old, held].map((sha) => leave(dir, [0], { ...file, sha256: sha! })))
  const foreign = join(dir, 'spool', 'README')
  writeFileSync(foreign, 'mine')
  writeFileSync(join(dir, 'spool', 'x.data'), 'mine')
  writeFileSync(join(dir, 'spool', `${'d'.repeat(64)}.json`), '{}')
  const spool = spoolIn(dir)
  const inUse = await spool.open({ ...file, sha256: held! })
  for (const [path, age] of [
    [paths[0]!, 7 * 24 * HOUR - 60_000],
    [paths[1]!, 7 * 24 * HOUR + 60_000],
    [paths[2]!, 30 * 24 * HOUR],
  ] as const) {
    utimesSync(path, new Date(), new Date(Date.now() - age))
  }
  utimesSync(foreign, 0, 0)
  await spool.sweep()
  const names = readdirSync(join(dir, 'spool')).sort()
  assert.equal(
    names,
    ['README', `${fresh}.data`, `${fresh}.json`, `${held}.data`, `${held}.json`, 'x.data'].sort(),
  )
  await inUse.close('keep')
})

test('sweeping: a whole file goes after an hour', async ({ dir }) => {
  const spool = spoolIn(dir)
  for (const [age, stays] of [
    [HOUR - 60_000, true],
    [HOUR + 60_000, false],
  ] as const) {
    const spooled = await spool.open(file)
    spooled.completed(origins)
    await spooled.close('keep')
    const { now } = Date
    Date.now = () => now() + age
    await spool.sweep().finally(() => {
      Date.now = now
    })
    const found = await spool.complete(file.sha256)
    assert.is(found !== undefined, stays)
    await found?.handle.close()
  }
})

test('sweeping: over the limit the oldest go', async ({ dir }) => {
  const hashes = ['a', 'b', 'c'].map((digit) => digit.repeat(64))
  let taken = 0
  for (const [age, sha] of hashes.entries()) {
    const path = await leave(dir, [0], { ...file, sha256: sha })
    taken = statSync(path).blocks * 512
    utimesSync(path, new Date(), new Date(Date.now() - age * 1_000))
  }
  const left = () =>
    readdirSync(join(dir, 'spool'))
      .filter((name) => name.endsWith('.data'))
      .map((name) => name[0])
  await spoolIn(dir, 3 * taken).sweep()
  assert.equal(left().sort(), ['a', 'b', 'c'])
  await spoolIn(dir, 3 * taken - 1).sweep()
  assert.equal(left().sort(), ['a', 'b'])
  await spoolIn(dir, 0).sweep()
  assert.equal(left(), [])
})

test.run()
