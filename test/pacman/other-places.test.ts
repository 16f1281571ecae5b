import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { otherPlaces } from '../../src/pacman/other-places.ts'

for (const [words, places] of [
  ['pacman -Sy base', undefined],
  ['pacman --config /etc/pacman.conf -Sy', undefined],
  ['pacman --config=/etc//pacman.conf -Sy', undefined],
  ['pacman --config /other.conf -Sy', { config: '/other.conf' }],
  ['pacman -r /mnt -Sy base', { root: '/mnt' }],
  ['/usr/bin/pacman --root /mnt/ -Sy', { root: '/mnt/' }],
  ['pacman --root=/mnt --config=/other.conf -Sy', { root: '/mnt', config: '/other.conf' }],
  ['pacman -Sy --dbpath /tmp/checkup', { dbPath: '/tmp/checkup' }],
  ['pacman -b /db -r /mnt -Sy', { dbPath: '/db', root: '/mnt' }],
  ['pacman -Sy --dbpath=/db/ --dbpath /other', { dbPath: '/other' }],
  ['pacman -Syb /db base', { dbPath: '/db' }],
  ['pacman -r/mnt -Sy', { root: '/mnt' }],
  ['pacman -S -- -r /mnt', undefined],
  ['pacman -Rns --asdeps base', undefined],
  ['pacman --sysroot /mnt -Sy', 'unknown'],
  ['pacman -r ./mnt -Sy', 'unknown'],
  ['pacman --config pacman.conf -Sy', 'unknown'],
  ['pacman -Sy -r', undefined],
  ['paru -r /mnt', undefined],
  ['', undefined],
] as const) {
  test(`${words}: ${places ? JSON.stringify(places) : "this machine's"}`, () => {
    assert.equal(otherPlaces(words.split(' '), '/etc/pacman.conf'), places)
  })
}

test.run()
