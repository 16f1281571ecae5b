import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunkCount, chunkSize } from '../../src/base/chunks.ts'
import { hashFile } from '../../src/pacman/hash-file.ts'
import { makeFolder } from './make.ts'

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const KIB = 1024
const MIB = 1024 * KIB

for (const size of [1, 64 * KIB, 64 * KIB + 1, MIB, MIB + 100 * KIB + 1, 64 * MIB, 64 * MIB + 1])
  test(`whole and chunk hashes of ${size} bytes`, () => {
    const path = join(makeFolder(), 'file')
    const content = Buffer.alloc(size, randomBytes(65_537))
    writeFileSync(path, content)
    const { sha256, chunkHashes } = hashFile(path)
    assert.is(sha256, digest(content))
    const chunks = Array.from({ length: chunkCount(size) }, (_, i) =>
      digest(content.subarray(i * chunkSize(size), (i + 1) * chunkSize(size))),
    )
    assert.is(Buffer.from(chunkHashes).toString('hex'), chunks.join(''))
  })

for (const size of [100, 64 * KIB + 1, MIB + 1])
  test(`a file of ${size} bytes that is known is recognised, and another of its size is not taken for it`, () => {
    const path = join(makeFolder(), 'file')
    const content = randomBytes(size)
    writeFileSync(path, content)
    const { chunkHashes } = hashFile(path)
    // Any name will do, to see that it is the known one's.
    const known = [
      { sha256: 'other', chunkHashes: randomBytes(chunkHashes.length) },
      { sha256: 'known', chunkHashes },
    ]
    assert.is(hashFile(path, known).sha256, 'known')
    content[size - 1]! ^= 1
    writeFileSync(path, content)
    assert.is(hashFile(path, known).sha256, digest(content))
  })

test('links, folders and what is not there', () => {
  const dir = makeFolder()
  writeFileSync(join(dir, 'file'), 'x')
  symlinkSync('file', join(dir, 'link'))
  mkdirSync(join(dir, 'folder'))
  assert.throws(() => hashFile(join(dir, 'link')), /ELOOP/)
  assert.throws(() => hashFile(join(dir, 'folder')), /no plain file/)
  assert.throws(() => hashFile(join(dir, 'missing')), /ENOENT/)
})

test.run()
