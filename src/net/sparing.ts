import { execa } from 'execa'
import type { Clock } from '../base/clock.ts'

/** Whether this machine should move no bytes that nobody here waits for: its line is metered, or it runs on battery. */
export interface Sparing {
  /** As last known; looked up again, in the background, when that was a while ago. */
  readonly now: boolean
  /** Why, in words; undefined where nothing speaks against it, or nobody knows. Never rejects. */
  why(): Promise<string | undefined>
}

/** What D-Bus says of a property, as busctl prints it; undefined where there is no such service. */
export type AskBus = (service: string, path: string, property: string) => Promise<string | undefined>

const BUS_MS = 2_000
/** How long an answer is believed, in milliseconds: where one of them told something, and where nobody did. */
const BELIEVED_MS = 60_000
const NOBODY_MS = 10 * 60_000
/** NMMetered: 1 is yes, 3 a guess that says yes (NetworkManager's D-Bus interface). */
const METERED = new Set(['u 1', 'u 3'])

export const askBus: AskBus = async (service, path, property) => {
  const { failed, stdout } = await execa(
    'busctl',
    ['--system', '--auto-start=no', 'get-property', service, path, service, property],
    { stdin: 'ignore', stderr: 'ignore', timeout: BUS_MS, reject: false },
  )
  return failed ? undefined : stdout.trim()
}

export function createSparing({ clock, ask = askBus }: { clock: Clock; ask?: AskBus }): Sparing {
  let reason: string | undefined
  let staleAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  async function look() {
    const [metered, battery] = await Promise.all([
      ask('org.freedesktop.NetworkManager', '/org/freedesktop/NetworkManager', 'Metered'),
      ask('org.freedesktop.UPower', '/org/freedesktop/UPower', 'OnBattery'),
    ])
    reason = undefined
    if (metered !== undefined && METERED.has(metered)) reason = 'NetworkManager calls this line metered'
    else if (battery === 'b true') reason = 'this machine runs on battery'
    staleAt = clock.now() + (metered === undefined && battery === undefined ? NOBODY_MS : BELIEVED_MS)
  }

  const renew = () => {
    looking ??= look()
      .catch(() => {})
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  return {
    get now() {
      if (clock.now() >= staleAt) void renew()
      return reason !== undefined
    },
    async why() {
      await renew()
      return reason
    },
  }
}

/** With `metered = yes`. */
export const neverSparing: Sparing = { now: false, why: async () => undefined }
