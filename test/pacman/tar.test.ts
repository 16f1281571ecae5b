import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { createTarParser, type TarEntry, type TarLimits } from '../../src/pacman/tar.ts'
import { tarEnd, tarEntry } from './make.ts'

const roomy = { totalBytes: 1 << 20, entryBytes: 1 << 20 }

async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: TarLimits,
  wanted: (path: string) => boolean,
): AsyncGenerator<TarEntry> {
  const tar = createTarParser(limits, wanted)
  for await (const bytes of source) yield* tar.push(bytes)
  tar.end()
}

/** The tar in pieces of `step` bytes, so that entries straddle them. */
async function* inSteps(tar: Uint8Array, step: number) {
  for (let at = 0; at < tar.length; at += step) yield tar.subarray(at, at + step)
}

async function read(parts: Uint8Array[], limits = roomy, step = 700): Promise<[string, string][]> {
  const entries: [string, string][] = []
  for await (const { path, content } of readTar(inSteps(Buffer.concat(parts), step), limits, () => true))
    entries.push([path, Buffer.from(content).toString()])
  return entries
}

async function failure(parts: Uint8Array[], limits = roomy): Promise<string> {
  try {
    await read(parts, limits)
  } catch (error) {
    assert.instance(error, PacsrvError)
    assert.is((error as PacsrvError).code, 'database')
    return (error as PacsrvError).message
  }
  throw new Error('no failure')
}

const paxRecord = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes + 1
  while (String(length).length + bytes !== length) length++
  return `${length}${rest}`
}

for (const step of [1, 511, 512, 513, 5000])
  test(`plain files come out whole, ${step} bytes at a time`, async () => {
    const parts = [
      tarEntry('a-1/', '', { type: '5' }),
      tarEntry('a-1/desc', 'x'.repeat(1300)),
      tarEntry('b-1/desc', 'y'.repeat(512)),
      tarEntry('c-1/desc', ''),
      tarEnd,
    ]
    assert.equal(await read(parts, roomy, step), [
      ['a-1/desc', 'x'.repeat(1300)],
      ['b-1/desc', 'y'.repeat(512)],
      ['c-1/desc', ''],
    ])
  })

test('only what is wanted', async () => {
  const tar = Buffer.concat([
    tarEntry('a/desc', '1'),
    tarEntry('a/files', '2'),
    tarEntry('b/desc', '3'),
    tarEnd,
  ])
  const paths: string[] = []
  for await (const { path } of readTar(inSteps(tar, 512), roomy, (path) => path.endsWith('/desc')))
    paths.push(path)
  assert.equal(paths, ['a/desc', 'b/desc'])
})

test('long names: ustar prefix, GNU and pax', async () => {
  const long = `${'n'.repeat(200)}/desc`
  assert.equal(
    await read([
      tarEntry('desc', '1', { prefix: 'p'.repeat(150) }),
      tarEntry('././@LongLink', `${long}\0`, { type: 'L' }),
      tarEntry('cut', '2'),
      tarEntry('pax', paxRecord('mtime', '1.5') + paxRecord('path', `é${long}`), { type: 'x' }),
      tarEntry('cut', '3'),
      tarEntry('plain', '4'),
      tarEnd,
    ]),
    [
      [`${'p'.repeat(150)}/desc`, '1'],
      [long, '2'],
      [`é${long}`, '3'],
      ['plain', '4'],
    ],
  )
})

test('pax size goes before the header’s', async () => {
  const parts = [
    tarEntry('pax', paxRecord('size', '3'), { type: 'x' }),
    tarEntry('a', 'abc', { size: 0 }),
    tarEntry('b', 'd'),
    tarEnd,
  ]
  assert.equal(await read(parts), [
    ['a', 'abc'],
    ['b', 'd'],
  ])
})

test('global pax headers and unknown entries are passed over, links have no content', async () => {
  const parts = [
    tarEntry('g', paxRecord('path', 'no'), { type: 'g' }),
    tarEntry('link', '', { type: '2', size: 100 }),
    tarEntry('sparse', 'zzz', { type: 'S' }),
    tarEntry('a', '1'),
    tarEnd,
  ]
  assert.equal(await read(parts), [['a', '1']])
})

test('an empty tar has no entries', async () => assert.equal(await read([tarEnd]), []))

test('cut short anywhere', async () => {
  const tar = Buffer.concat([tarEntry('a', 'x'.repeat(600)), tarEntry('b', '1')])
  for (const length of [0, 100, 512, 700, 1100, 1536, 2000, 2560])
    assert.match(await failure([tar.subarray(0, length)]), 'cut short', `${length} bytes`)
})

test('other formats are refused', async () => {
  assert.match(await failure([Buffer.alloc(2000, 'garbage ')]), 'not a tar')
  const damaged = tarEntry('a', '1')
  damaged[0]! ^= 1
  assert.match(await failure([damaged, tarEnd]), 'not a tar')
})

test('sizes beyond reason are refused', async () => {
  assert.match(await failure([tarEntry('a', '', { size: 2 ** 60 }), tarEnd]), 'not a tar')
  assert.match(await failure([tarEntry('a', '', { size: 2 ** 40 }), tarEnd]), 'cut short')
  const tooMuch = paxRecord('size', '9'.repeat(20))
  assert.match(
    await failure([tarEntry('x', tooMuch, { type: 'x' }), tarEntry('a', ''), tarEnd]),
    'malformed pax',
  )
})

test('malformed pax headers are refused', async () => {
  for (const record of ['x path=a\n', '0 path=a\n', '999 path=a\n', '-5 path=a\n', 'nospace', '6 path'])
    assert.match(
      await failure([tarEntry('x', record, { type: 'x' }), tarEntry('a', ''), tarEnd]),
      /malformed pax/,
    )
})

test('an entry of the limit is read, one byte more is passed over', async () => {
  const limits = { ...roomy, entryBytes: 1000 }
  const parts = [tarEntry('a', 'x'.repeat(1000)), tarEntry('b', 'x'.repeat(1001)), tarEntry('c', '1'), tarEnd]
  assert.equal(
    (await read(parts, limits)).map(([path]) => path),
    ['a', 'c'],
  )
})

test('a tar of the limit is read, one byte more is refused', async () => {
  const parts = [tarEntry('a', '1'), tarEnd]
  assert.is((await read(parts, { ...roomy, totalBytes: 2048 })).length, 1)
  assert.match(await failure(parts, { ...roomy, totalBytes: 2047 }), 'more than 2047 bytes')
})

test('a name of the limit is read, one byte more is refused', async () => {
  const named = (length: number) => [
    tarEntry('L', 'n'.repeat(length), { type: 'L' }),
    tarEntry('a', ''),
    tarEnd,
  ]
  assert.is((await read(named(64 * 1024)))[0]![0].length, 64 * 1024)
  assert.match(await failure(named(64 * 1024 + 1)), 'overlong name')
})

test('what follows the end is passed over, and counted', async () => {
  const parts = [tarEntry('a', '1'), tarEnd, Buffer.alloc(5_000, 7)]
  assert.equal(await read(parts), [['a', '1']])
  assert.match(await failure(parts, { ...roomy, totalBytes: 7_000 }), 'unpacks to more than 7000 bytes')
})

test('a piece may be filled anew once it has been taken', () => {
  const tar = Buffer.concat([
    tarEntry('a-1/desc', 'x'.repeat(1300)),
    tarEntry('b-1/desc', 'y'.repeat(700)),
    tarEnd,
  ])
  const parser = createTarParser(roomy, () => true)
  const piece = Buffer.alloc(1000)
  const found: string[] = []
  for (let at = 0; at < tar.length; at += piece.length) {
    const bytes = piece.subarray(0, tar.copy(piece, 0, at))
    for (const { content } of parser.push(bytes)) found.push(Buffer.from(content).toString())
    piece.fill(0)
  }
  parser.end()
  assert.equal(found, ['x'.repeat(1300), 'y'.repeat(700)])
})

test.run()
