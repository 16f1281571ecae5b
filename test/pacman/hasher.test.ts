import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemCode } from '../../src/base/error.ts'
import { createHashWorker } from '../../src/pacman/hasher.ts'
import { createClock } from '../clock.ts'
import { makeFolder } from './make.ts'

/** Bundled as the build does it: on Node 20, tsx doesn't reach into threads. */
const workerFile = join(makeFolder(), 'hash-worker.mjs')
buildSync({
  entryPoints: [join(import.meta.dirname, '../../src/pacman/hash-worker.ts')],
  outfile: workerFile,
  bundle: true,
  platform: 'node',
  format: 'esm',
})

function makeFile(content: string): string {
  const path = join(makeFolder(), 'file')
  writeFileSync(path, content)
  return path
}
const digest = (text: string) => createHash('sha256').update(text).digest('hex')

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable() as never,
    (error) => error,
  )
}

test('files asked for together come back each with its own hashes', async () => {
  const worker = createHashWorker({ clock: createClock() }, workerFile)
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => worker.hashFile(makeFile(text))))
  assert.equal(
    answers.map(({ sha256 }) => sha256),
    ['a', 'b', 'c'].map(digest),
  )
  assert.is(Buffer.from(answers[0]!.chunkHashes).toString('hex'), digest('a'))
  await worker.close()
})

test('a file that is known is recognised', async () => {
  const worker = createHashWorker({ clock: createClock() }, workerFile)
  const path = makeFile('a')
  const { chunkHashes } = await worker.hashFile(path)
  assert.is((await worker.hashFile(path, [{ sha256: 'known', chunkHashes }])).sha256, 'known')
  await worker.close()
})

test('a file that cannot be read fails alone, with the system’s code', async () => {
  const worker = createHashWorker({ clock: createClock() }, workerFile)
  const missing = failure(worker.hashFile('/nowhere/file'))
  const there = worker.hashFile(makeFile('a'))
  assert.is(systemCode(await missing), 'ENOENT')
  assert.is((await there).sha256, digest('a'))
  await worker.close()
})

test('the idle thread ends, and another starts when needed', async () => {
  const clock = createClock()
  const tellsThread = join(makeFolder(), 'thread.mjs')
  writeFileSync(
    tellsThread,
    `import { parentPort, threadId } from 'node:worker_threads'
     parentPort.on('message', () => parentPort.postMessage({ hashes: { sha256: String(threadId) } }))`,
  )
  const worker = createHashWorker({ clock }, tellsThread)
  const thread = async () => (await worker.hashFile('')).sha256
  const first = await thread()
  clock.advance(9_999)
  assert.is(await thread(), first)
  clock.advance(9_999)
  assert.is(await thread(), first)
  clock.advance(10_000)
  assert.is.not(await thread(), first)
  await worker.close()
})

test('closing rejects what is under way; a thread that dies does too', async () => {
  const worker = createHashWorker({ clock: createClock() }, workerFile)
  const underWay = failure(worker.hashFile(makeFile('a')))
  await worker.close()
  assert.match((await underWay).message, 'called off')
  const broken = createHashWorker({ clock: createClock() }, join(makeFolder(), 'missing.mjs'))
  assert.match((await failure(broken.hashFile(makeFile('a')))).message, 'missing.mjs')
})

test.run()
