import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bitmapOf, chunksOf, readNote, writeNote } from '../../../src/fetch/file/spool-notes.ts'

const CHUNK = 64 * 1024
const makePath = () => join(mkdtempSync(join(tmpdir(), 'pacsrv-')), 'note.json')

test('bitmaps: lowest bit first, as many as there are chunks', () => {
  assert.equal([...bitmapOf([0, 3, 8], 9)], [0b1001, 1])
  assert.equal(chunksOf(bitmapOf([0, 3, 8], 9), 9), [0, 3, 8])
  assert.equal(chunksOf(Buffer.from([255]), 12), [0, 1, 2, 3, 4, 5, 6, 7])
})

test('a note says what was noted, and leaves nothing else behind', async () => {
  const path = makePath()
  await writeNote(path, { name: 'a', size: 9 * CHUNK, chunks: [0, 8] })
  assert.equal(await readNote(path, 9 * CHUNK), [0, 8])
  assert.equal(readdirSync(join(path, '..')), ['note.json'])
})

test('a note of another size, a torn one and none say nothing', async () => {
  const path = makePath()
  assert.equal(await readNote(path, CHUNK), [])
  await writeNote(path, { name: 'a', size: 9 * CHUNK, chunks: [0] })
  assert.equal(await readNote(path, 9 * CHUNK + 1), [])
  writeFileSync(path, '{"name":"a","si')
  assert.equal(await readNote(path, 9 * CHUNK), [])
})

test.run()
