import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
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
const origins = { fromPeers: 1, fromSite: 1, fromMirror: 2, peers: ['a', 'b', 'c'] }

const test = suite<{ dir: string }>('spool-file')
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'pacsrv-spool-'))
})
test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }))

const spoolIn = (dir: string, idleBytes?: number) =>
  createSpool(
    { log: silentLog },
    { dir: join(dir, 'spool'), memoryBytes: 0, ...(idleBytes === undefined ? {} : { idleBytes }) },
  )

async function rejection(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('it should have failed')
}

test('what was written is read back, by offset', async ({ dir }) => {
  const spooled = await spoolIn(dir).open(file)
  assert.equal(spooled.found, [])
  for (const chunk of [4, 1]) await spooled.write(chunk, [chunkOf(content, chunk)])
  const buffer = Buffer.alloc(100)
  await spooled.read(buffer, 65_536 + 50)
  assert.ok(buffer.equals(content.subarray(65_586, 65_686)))
  assert.is(statSync(spooled.path).size, content.length)
  await spooled.close('keep')
})

for (const [how, change] of [
  ['changed', (path: string) => writeFileSync(path, Buffer.alloc(10, 7), { flag: 'r+' })],
  ['cut short', (path: string) => truncateSync(path, 10)],
] as const)
  for (const when of ['between two chunks', 'after the last'])
    test(`${how} by somebody ${when}: it is not handed out, and doesn’t stay`, async ({ dir }) => {
      const spool = spoolIn(dir)
      const spooled = await spool.open(file)
      for (const chunk of [0, 1, 2, 3]) await spooled.write(chunk, [chunkOf(content, chunk)])
      if (when !== 'after the last') change(spooled.path)
      await spooled.write(4, [chunkOf(content, 4)])
      if (when === 'after the last') change(spooled.path)
      spooled.completed(origins)
      assert.not.ok(spool.isComplete(file.sha256))
      assert.is((await rejection(spooled.read(Buffer.alloc(5), 0))).code, 'spool')
      await spooled.close('keep')
      assert.equal(readdirSync(join(dir, 'spool')), [])
    })

test('data that somebody cut short is an error, not a file of zeros', async ({ dir }) => {
  const spooled = await spoolIn(dir).open(file)
  truncateSync(spooled.path, 10)
  const { code, message } = await rejection(spooled.read(Buffer.alloc(20), 0))
  assert.is(code, 'spool')
  assert.match(message, 'cut short')
  await spooled.close('keep')
})

test.run()
