import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isSignature, readSignature } from '../../src/pacman/signature.ts'
import { limits } from '../../src/wire/limits.ts'
import { makeFolder } from './make.ts'

/** A packet of version 4, its body `length` bytes, behind a header of this form. */
const packet = (header: number[], length: number) =>
  Buffer.concat([Buffer.from(header), Buffer.from([4]), Buffer.alloc(length - 1)])

for (const [name, bytes, good] of [
  ['old form, one byte of length', packet([0x88, 75], 75), true],
  ['old form, two', packet([0x89, 0x01, 0x33], 0x133), true],
  ['old form, four', packet([0x8a, 0, 0, 1, 0], 256), true],
  ['new form, one byte', packet([0xc2, 191], 191), true],
  ['new form, two', packet([0xc2, 192, 0], 192), true],
  ['new form, five', packet([0xc2, 255, 0, 0, 1, 0], 256), true],
  ['two of them', Buffer.concat([packet([0x88, 9], 9), packet([0xc2, 9], 9)]), true],
  ['nothing', Buffer.alloc(0), false],
  ['a byte short', packet([0x88, 75], 74), false],
  ['a byte more', packet([0x88, 75], 76), false],
  ['a header only', Buffer.from([0x89]), false],
  ['no body', Buffer.from([0x88, 0]), false],
  ['no known length', packet([0x8b], 75), false],
  ['a part of a body', packet([0xc2, 224], 75), false],
  ['a key', packet([0x98, 75], 75), false],
  ['version 2', Buffer.from([0x88, 1, 2]), false],
  ['version 6', Buffer.from([0x88, 1, 6]), true],
  ['version 7', Buffer.from([0x88, 1, 7]), false],
  ['armour', Buffer.from('-----BEGIN PGP SIGNATURE-----\n'), false],
  ['a page', Buffer.from('<html>log in here</html>'), false],
  ['as much as may be', packet([0x89, 0x3f, 0xfd], limits.signatureBytes - 3), true],
  ['one byte more than may be', packet([0x89, 0x3f, 0xfe], limits.signatureBytes - 2), false],
] as [string, Buffer, boolean][]) {
  test(`${name} is ${good ? 'a' : 'no'} signature`, () => assert.is(isSignature(bytes), good))
}

test('only a regular file that is a signature is read', async () => {
  const dir = makeFolder()
  const good = packet([0x88, 75], 75)
  const at = (name: string) => join(dir, name)
  writeFileSync(at('good'), good)
  writeFileSync(at('bad'), 'x')
  writeFileSync(at('long'), Buffer.alloc(limits.signatureBytes + 1, good))
  symlinkSync(at('good'), at('link'))
  mkdirSync(at('folder'))
  execFileSync('mkfifo', [at('pipe')])
  assert.equal(await readSignature(at('good')), good)
  for (const name of ['bad', 'long', 'link', 'folder', 'pipe', 'absent'])
    assert.is(await readSignature(at(name)), undefined, name)
})

test.run()
