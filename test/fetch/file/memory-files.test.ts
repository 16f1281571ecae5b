import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createMemoryRoom } from '../../../src/fetch/file/memory-files.ts'
import { openPartialFile } from '../../../src/fetch/file/partial-file.ts'
import { createSpool } from '../../../src/fetch/file/spool.ts'
import { chunkOf, makeContent, spoilt } from '../job/lab.ts'

const content = makeContent(100_000)
const file = { sha256: sha256(content), name: 'small-1-1-any.pkg.tar.zst', size: content.length }
const origins = { fromPeers: 1, fromSite: 1, fromMirror: 2, peers: ['a', 'b', 'c'] }

const test = suite<{ dir: string }>('memory-files')
test.before.each((context) => {
  context.dir = join(mkdtempSync(join(tmpdir(), 'pacsrv-memory-')), 'spool')
})
test.after.each(({ dir }) => rmSync(join(dir, '..'), { recursive: true, force: true }))

const noHasher = {
  begin: () => {
    throw new Error('nothing of it is hashed elsewhere')
  },
  digest: sha256,
  async close() {},
}

async function fetched(dir: string, from = content) {
  const dropped: string[] = []
  const spool = createSpool({ log: silentLog, onDropped: (hash) => dropped.push(hash) }, { dir })
  const partial = await openPartialFile({ spool, hasher: noHasher, recycle() {} }, file, () => {})
  for (const chunk of [1, 0]) {
    const bytes = Buffer.from(chunkOf(from, chunk))
    await partial.keep(chunk, { origin: 'peer', hash: sha256(bytes), bytes }, () => true)
  }
  return { spool, partial, dropped }
}

test('a small file never touches the disk: read on its way, checked, handed out whole, let go', async ({
  dir,
}) => {
  const { spool, partial, dropped } = await fetched(dir)
  const read = Buffer.alloc(50)
  await partial.read(read, 65_500)
  assert.ok(read.equals(content.subarray(65_500, 65_550)))
  assert.ok(Buffer.from(partial.lend(10)!.bytes).equals(content.subarray(10, 65_536)))
  assert.is(partial.lend(65_536), undefined, 'the last chunk stays back')
  assert.ok(await partial.isRight())
  partial.completed(origins)
  await partial.save()
  await partial.close()
  const found = (await spool.complete(file.sha256))!
  assert.ok(Buffer.from(found.handle.bytes!).equals(content))
  const bytes = Buffer.alloc(10)
  assert.equal(await found.handle.read(bytes, 0, 10, 99_995), { bytesRead: 5 })
  assert.ok(bytes.subarray(0, 5).equals(content.subarray(99_995)))
  await spool.discard(file.sha256)
  assert.is(await spool.complete(file.sha256), undefined)
  assert.equal(dropped, [file.sha256])
  assert.not(existsSync(dir))
})

test('one that is wrong isn’t right, and is nobody’s', async ({ dir }) => {
  const { spool, partial } = await fetched(dir, spoilt(content, 1))
  assert.not(await partial.isRight())
  await partial.close()
  assert.is(await spool.complete(file.sha256), undefined)
})

test('it is let go after ten minutes', async ({ dir }) => {
  const { spool, partial } = await fetched(dir)
  partial.completed(origins)
  await partial.close()
  const { now } = Date
  for (const [minutes, stays] of [
    [9, true],
    [10, false],
  ] as const) {
    Date.now = () => now() + minutes * 60_000
    await spool.sweep().finally(() => {
      Date.now = now
    })
    assert.is(spool.isComplete(file.sha256), stays)
  }
})

test('there is room for so much, and for nothing large; what is given back can be had again', async () => {
  const room = createMemoryRoom(1_500_000)
  const open = (size: number) => room.open({ path: 'x', size }, { completed() {}, free() {} })
  assert.is(open(1024 * 1024 + 1), undefined)
  const first = open(1024 * 1024)!
  assert.is(open(1024 * 1024), undefined)
  await first.close('useless')
  const second = open(1024 * 1024)!
  second.completed(origins)
  await second.close('keep')
  assert.is(open(1024 * 1024), undefined)
  room.give(second.bytes!)
  assert.ok(open(1024 * 1024))
})

test('all that is abandoned or replaced gives its room back', async ({ dir }) => {
  const spool = createSpool({ log: silentLog }, { dir })
  const small = { ...file, size: 1024 * 1024 }
  for (let time = 0; time < 200; time++) {
    const spooled = await spool.open(small)
    assert.ok(spooled.bytes)
    if (time % 2) spooled.completed(origins)
    await spooled.close('keep')
  }
})

test.run()
