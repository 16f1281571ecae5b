import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { assertIs, buildNode } from '../../src/client/build-node.ts'

/** Of no bytes. */
const EMPTY =
  'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='

test('a program that is another than expected is refused', () => {
  assertIs(Buffer.alloc(0), EMPTY)
  assert.throws(() => assertIs(Buffer.alloc(1), EMPTY), /another than expected: sha512-/)
})

test('where no official Node is known, nothing is fetched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-node-'))
  try {
    for (const arch of ['riscv64', '../x64', 'toString'])
      assert.throws(() => buildNode(folder, arch), /no standalone package/)
    assert.equal(readdirSync(folder), [])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
