import type { Config } from '../base/config.ts'
import { Want, type Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import { hidden, reachesIndeed } from './check-folders.ts'
import type { Probe } from './check-probe.ts'

const OTHERS_READ = 0o004

/** The keys of a closed network: there, for the daemon to read, and for nobody else. */
export async function checkKeys(config: Config, probe: Probe, who: Who): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const path of config.network['key-file']) {
    const walk = await probe.walk(path)
    const what = `The key of the closed network, ${path} ([network] key-file),`
    if (walk.end === 'hidden') findings.push(hidden(path))
    else if (walk.end === 'missing') {
      const mend = `copy it from another machine of that network, and chown ${who.name}: ${path} && chmod 600 ${path}`
      findings.push({ problem: `${what} isn't there.`, mend })
    } else if (!(await reachesIndeed(probe, who, path, walk.steps, Want.read))) {
      findings.push({
        problem: `${what} can't be read by the user ${who.name}.`,
        mend: `chown ${who.name}: ${path}`,
      })
    } else if ((walk.steps.at(-1)!.mode & OTHERS_READ) !== 0) {
      findings.push({
        problem: `${what} can be read by everybody on this machine.`,
        mend: `chmod o= ${path}`,
      })
    }
  }
  return findings
}
