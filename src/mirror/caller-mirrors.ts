import { hasUser } from '../base/caller-environment.ts'
import type { PacmanConf } from '../pacman/pacman-conf.ts'
import { repositoryOfUrl } from '../pacman/urls.ts'
import type { OpenMirror } from './curl.ts'
import type { DeadMirrors } from './dead-mirrors.ts'

/** The mirrors of a caller that fetches by its own curl. */
export interface CallerMirrors {
  /** Where it should try to get `url`, best first; undefined where no Server is known for it. */
  of(url: string): Promise<string[] | undefined>
  /** It couldn't reach this one: any local user may say so, so it is looked at from here. */
  failed(url: string): Promise<void>
}

export interface CallerMirrorsDeps {
  /** pacman's configuration as it is now; undefined where pacman-conf gives none. */
  pacmanConf(): Promise<PacmanConf | undefined>
  deadMirrors: Pick<DeadMirrors, 'order' | 'isDead'>
  /** Notes by itself who answers and who doesn't (notingDead). */
  openMirror: OpenMirror
}

/** Mirrors looked at, at the same time: who says that all are dead makes this daemon dial no more than these. */
const MOST_LOOKS = 4

export function createCallerMirrors({
  pacmanConf,
  deadMirrors,
  openMirror,
}: CallerMirrorsDeps): CallerMirrors {
  const looking = new Set<string>()

  function look(url: string) {
    if (looking.has(url) || looking.size >= MOST_LOOKS) return
    looking.add(url)
    const over = () => void looking.delete(url)
    // Of ftp a start says nothing yet, and is told before `openMirror` returns: its first byte is what counts.
    const enough = () => {
      over()
      stream.stop()
    }
    const stream = openMirror(
      { url, start: 0, end: 0, size: 1, environment: {} },
      { onStart() {}, onBytes: enough, onEnd: over },
    )
  }

  return {
    async of(url) {
      const conf = await pacmanConf()
      const origin = conf && repositoryOfUrl(url, conf)
      if (!origin) return undefined
      const first = conf.repositories.find(({ name }) => name === origin.repository)?.servers[0]
      // pacman asks the second only when the first call failed, and that one has tried them all.
      if (origin.server !== first) return [url]
      // Whoever asks may not know the password of another mirror.
      return deadMirrors.order(origin.mirrors.filter((mirror) => mirror === url || !hasUser(mirror)))
    },
    async failed(url) {
      const conf = await pacmanConf()
      if (conf && repositoryOfUrl(url, conf) && !deadMirrors.isDead(url)) look(url)
    },
  }
}
