import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../../src/base/sha256.ts'
import { createWholeHasher } from '../../../src/fetch/file/whole-hash.ts'

const test = suite('whole-hash')
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-whole-'))
const bundle = (name: string, entry: object) => {
  const outfile = join(dir, name)
  buildSync({ ...entry, outfile, bundle: true, platform: 'node', format: 'esm' })
  return pathToFileURL(outfile)
}
/** Bundled as the build does it: on Node 20, tsx doesn't reach into threads. */
const worker = bundle('worker.mjs', {
  entryPoints: [join(import.meta.dirname, '../../../src/fetch/file/whole-hash-worker.ts')],
})
const file = join(dir, 'file')
/** The thread doesn't keep the process alive. */
const alive = setInterval(() => {}, 1_000)
test.after(() => {
  clearInterval(alive)
  rmSync(dir, { recursive: true, force: true })
})

async function message(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it did not fail',
    (error) => error.message,
  )
}

test('a file that grows is hashed as far as it was told, and to its end', async () => {
  const hasher = createWholeHasher(worker)
  writeFileSync(file, 'first')
  const whole = hasher.begin(file)
  whole.advance(5)
  appendFileSync(file, 'second')
  assert.is(await whole.result(11), sha256(Buffer.from('firstsecond')))
  whole.close()
  await hasher.close()
})

test('after a reset it begins anew', async () => {
  const hasher = createWholeHasher(worker)
  writeFileSync(file, 'wrong!')
  const whole = hasher.begin(file)
  whole.advance(6)
  await hasher.begin(file).result(6) // by then the thread has obeyed all before it
  writeFileSync(file, 'right!')
  whole.reset()
  whole.advance(3)
  assert.is(await whole.result(6), sha256(Buffer.from('right!')))
  await hasher.close()
})

test('several at once keep apart; one whose file is gone or short fails alone', async () => {
  const hasher = createWholeHasher(worker)
  writeFileSync(file, 'abc')
  const [good, short, gone] = [hasher.begin(file), hasher.begin(file), hasher.begin(join(dir, 'absent'))]
  gone.advance(3)
  const answers = await Promise.all([message(short.result(4)), message(gone.result(3)), good.result(3)])
  assert.match(answers[0]!, 'ends at 3')
  assert.match(answers[1]!, 'ENOENT')
  assert.is(answers[2], sha256(Buffer.from('abc')))
  await hasher.close()
})

test('the thread ends: who waits is told, and so is who began with it; the next one has another', async () => {
  const dies = join(dir, 'dies.mjs')
  writeFileSync(
    dies,
    `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (order) => {
      if ('finish' in order) process.exit(1)
    })`,
  )
  const hasher = createWholeHasher(pathToFileURL(dies))
  const first = hasher.begin(file)
  assert.match(await message(first.result(3)), 'thread ended')
  const second = hasher.begin(file)
  assert.match(await message(first.result(3)), 'thread ended', 'another thread knows nothing of it')
  assert.match(await message(second.result(3)), 'thread ended')
  await hasher.close()
})

test('a large chunk is hashed by the thread, a small or unshared one at once', async () => {
  const hasher = createWholeHasher(worker)
  const large = Buffer.from(new SharedArrayBuffer(1024 * 1024)).fill('a')
  assert.is(hasher.digest(large), sha256(large), 'no thread yet')
  hasher.begin(file)
  const [first, second] = [hasher.digest(large), hasher.digest(large.subarray(1))]
  assert.instance(first, Promise)
  assert.equal(await Promise.all([first, second]), [sha256(large), sha256(large.subarray(1))])
  for (const bytes of [large.subarray(0, 65_536), Buffer.alloc(1024 * 1024)])
    assert.is(hasher.digest(bytes), sha256(bytes))
  const cutOff = hasher.digest(large)
  await hasher.close()
  assert.is(await cutOff, sha256(large), 'the thread has ended')
})

const inMemory = (text: string, at: number, size = text.length) => {
  const bytes = Buffer.from(new SharedArrayBuffer(size))
  bytes.write(text)
  let released = 0
  return { at, bytes, release: () => void released++, released: () => released }
}

test('what is in memory is hashed from there, what is not from the file', async () => {
  const hasher = createWholeHasher(worker)
  writeFileSync(file, '----two------four--')
  const whole = hasher.begin(file)
  const parts = [inMemory('one ', 0), inMemory('three ', 7)]
  whole.advance(17, parts)
  const last = inMemory('..', 17)
  whole.advance(19, [last])
  assert.is(await whole.result(19), sha256(Buffer.from('one twothree four..')))
  assert.equal(
    [...parts, last].map(({ released }) => released()),
    [1, 1, 1],
    'each is given back once',
  )
  whole.reset()
  writeFileSync(file, 'else')
  assert.is(await whole.result(4), sha256(Buffer.from('else')))
  await hasher.close()
})

test('what the thread can not be lent is given back at once, and read from the file', async () => {
  const hasher = createWholeHasher(worker)
  const size = 5 * 1024 * 1024
  writeFileSync(file, Buffer.alloc(2 * size + 1))
  const whole = hasher.begin(file)
  const unshared = { at: 0, bytes: Buffer.from('x'), release: () => void freed++ }
  let freed = 0
  whole.advance(1, [unshared])
  assert.is(freed, 1)
  const parts = [inMemory('', 1, size), inMemory('no room for this', size + 1, size)]
  whole.advance(2 * size + 1, parts)
  assert.is(parts[1]!.released(), 1)
  assert.is(await whole.result(2 * size + 1), sha256(Buffer.alloc(2 * size + 1)))
  assert.is(parts[0]!.released(), 1)
  await hasher.close()
})

test.run()
