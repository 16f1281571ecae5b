import type { Finding } from './check-finding.ts'
import type { PacmanFacts } from './check-pacman.ts'
import type { Probe } from './check-probe.ts'

/** Seconds. Certificates and signatures are hours wrong before they fail, but a clock that is off by so much drifts. */
const TOLERANCE = 300

/** This machine's clock beside that of the first mirror; nothing where no mirror answers. */
export async function checkClock(probe: Probe, pacman?: PacmanFacts): Promise<Finding[]> {
  const mirror = pacman?.servers.find((url) => /^https?:/.test(url) && URL.canParse(url))
  const theirs = mirror === undefined ? undefined : await probe.dateOf(mirror)
  if (mirror === undefined || theirs === undefined) return []
  const seconds = Math.round((probe.now() - theirs) / 1000)
  if (Math.abs(seconds) <= TOLERANCE) return []
  const much = Math.abs(seconds)
  const amount =
    much < 7200
      ? `${Math.round(much / 60)} minutes`
      : much < 172_800
        ? `${Math.round(much / 3600)} hours`
        : `${Math.round(much / 86_400)} days`
  const host = new URL(mirror).hostname
  const problem = `The clock is ${amount} ${seconds > 0 ? 'ahead of' : 'behind'} that of ${host}: certificates and signatures may fail.`
  return [{ problem, fix: 'timedatectl set-ntp true, or set it by hand' }]
}
