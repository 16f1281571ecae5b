import { readFile } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import type { Status } from '../status.ts'
import { documentOf } from './document.ts'
import { createWatchers, type Watchers } from './events.ts'
import { type Sections, sectionsOf } from './sections.ts'

/** The page for a browser: at once as a whole, then what is new in it. */
export interface StatusPage {
  document(): string
  watch: Watchers['answer']
  /** Its script, style or picture by name; undefined where there is none. */
  file(name: string): Promise<{ type: string; bytes: Buffer } | undefined>
}

export interface StatusPageDeps {
  status(): Status
  clock: Clock
  now(): Date
  /** This machine's name. */
  host: string
  /** Where the files of the page lie. */
  files: URL
}

/** What is shown is gathered anew no more often than this, in milliseconds, however many look. */
const FRESH_MS = 1_000

const FILES: Record<string, string> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

export function createStatusPage({ status, clock, now, host, files }: StatusPageDeps): StatusPage {
  let made: { sections: Sections; node: Status['node'] } | undefined
  let madeAt = 0

  function gather() {
    if (made && clock.now() - madeAt < FRESH_MS) return made
    const current = status()
    madeAt = clock.now()
    made = { sections: sectionsOf(current, now()), node: current.node }
    return made
  }

  return {
    document() {
      const { sections, node } = gather()
      return documentOf(sections, { host, version: node.version, id: node.id, now: now() })
    },
    watch: createWatchers({ clock, sections: () => gather().sections }).answer,
    async file(name) {
      const type = Object.hasOwn(FILES, name) ? FILES[name] : undefined
      const bytes = type && (await readFile(new URL(name, files)).catch(() => undefined))
      return type && bytes ? { type, bytes } : undefined
    },
  }
}
