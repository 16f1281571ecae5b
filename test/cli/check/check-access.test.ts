import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { allows, parseId, reaches, Want } from '../../../src/cli/check/check-access.ts'

const alpm = { name: 'alpm', uid: 5, gids: [6, 7] }
const root = { name: 'root', uid: 0, gids: [0] }

test('what id prints is understood, or nothing', () => {
  assert.equal(parseId('uid=5(alpm) gid=6(alpm) groups=6(alpm),7(web-x)'), {
    name: 'alpm',
    uid: 5,
    gids: [6, 6, 7],
  })
  assert.equal(parseId('uid=0(root) gid=0(root)'), { name: 'root', uid: 0, gids: [0] })
  assert.is(parseId(''), undefined)
  assert.is(parseId("id: 'x': no such user"), undefined)
})

for (const [whose, uid, gid, mode, expected] of [
  ['the owner', 5, 1, 0o400, true],
  ['the owner, whom only others may', 5, 1, 0o044, false],
  ['a group', 1, 7, 0o040, true],
  ['a group, whom only others may', 1, 7, 0o004, false],
  ['others', 1, 1, 0o004, true],
  ['others, whom only owner and group may', 1, 1, 0o440, false],
] as const) {
  test(`the bits that count are those of ${whose}`, () => {
    assert.is(allows({ uid, gid, mode }, alpm, Want.read), expected)
  })
}

test('all that is wanted must be allowed', () => {
  assert.ok(allows({ uid: 1, gid: 1, mode: 0o006 }, alpm, Want.read | Want.write))
  assert.not.ok(allows({ uid: 1, gid: 1, mode: 0o005 }, alpm, Want.read | Want.write))
})

test('root may do all', () => {
  assert.ok(allows({ uid: 5, gid: 6, mode: 0 }, root, Want.read | Want.write | Want.enter))
})

test('one closed folder on the way closes what is behind it', () => {
  const open = { uid: 1, gid: 1, mode: 0o755 }
  const closed = { uid: 1, gid: 1, mode: 0o700 }
  assert.ok(reaches([open, open, open], alpm, Want.read))
  assert.not.ok(reaches([open, closed, open], alpm, Want.read))
  assert.not.ok(reaches([], alpm, Want.read))
})

test.run()
