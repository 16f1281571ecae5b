import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { otherSyncDir } from '../../src/pacman/other-root.ts'

for (const [words, dir] of [
  ['pacman -Sy base', undefined],
  ['pacman -r /mnt -Sy base', '/mnt/var/lib/pacman/sync'],
  ['/usr/bin/pacman --root /mnt/ -Sy', '/mnt/var/lib/pacman/sync'],
  ['pacman --root=/mnt -Sy', '/mnt/var/lib/pacman/sync'],
  ['pacman -Sy --dbpath /tmp/checkup', '/tmp/checkup/sync'],
  ['pacman -b /db -r /mnt -Sy', '/db/sync'],
  ['pacman -Sy --dbpath=/db/ --dbpath /other', '/other/sync'],
  ['pacman -r ./mnt -Sy', undefined],
  ['pacman -Sy -r', undefined],
  ['paru -r /mnt', undefined],
  ['', undefined],
] as const) {
  test(`${words}: ${dir ?? "this machine's"}`, () => {
    assert.is(otherSyncDir(words.split(' ')), dir)
  })
}

test.run()
