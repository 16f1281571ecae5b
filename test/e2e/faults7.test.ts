import { test } from 'uvu'
import { faultScenario, faults } from './faults.ts'
import type { Lab } from './lab.ts'
import { inside, trixieFolder } from './trixie.ts'

/** The faults whose own view of the file system doesn't stand in the way of pacman 7's, the half of them as alpm. */
const chosen = faults.filter((fault) => !fault.inside)

for (const [n, fault] of chosen.entries()) {
  const asAlpm = n % 2 === 0
  // alpm may not start a daemon, and nobody may in a chroot.
  if (fault.name === 'no daemon: the client starts one') continue
  faultScenario(
    fault,
    asAlpm ? 'pacman 7 as alpm' : 'pacman 7',
    {
      inside: (lab: Lab) => inside(trixieFolder(), lab.folder),
      pacmanOptions: asAlpm ? ['DownloadUser = alpm'] : [],
    },
    ['debootstrap'],
  )
}

/** By pacman's own downloader, which resumes elsewhere what the daemon can't give to its end. */
for (const fault of faults.filter(({ name }) => /spool|state folder|suspended|no sync database/.test(name))) {
  faultScenario(
    fault,
    'pacman 7 by CacheServer',
    { byCacheServer: true, inside: (lab: Lab) => inside(trixieFolder(), lab.folder) },
    ['debootstrap'],
  )
}

test.run()
