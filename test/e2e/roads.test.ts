import { test } from 'uvu'
import { scenario } from './lab.ts'
import { roads } from './roads.ts'
import { inside, trixieFolder } from './trixie.ts'

scenario('pacman 6, all its roads', (lab) => roads(lab, { version: 6 }), ['fakeroot'])
scenario(
  'pacman 7 with DownloadUser, all its roads',
  (lab) =>
    roads(lab, {
      version: 7,
      inside: inside(trixieFolder(), lab.folder),
      options: ['DownloadUser = alpm'],
    }),
  ['debootstrap'],
)

test.run()
