import type { Clock } from '../base/clock.ts'
import type { Config } from '../base/config.ts'
import type { Log, LogComponent } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import type { NetworkKey } from '../net/key-file.ts'

/** What every part of the daemon is made with. */
export interface Context {
  config: Config
  version: string
  /** The bundles that run in threads of their own. */
  workers: { wholeHash: URL; fileHash: URL }
  /** The folder of what the page has a browser load. */
  pageFiles: URL
  /** A closed network's; none: the open network. */
  keys: NetworkKey[]
  clock: Clock
  /** Where each part tells what is wrong with it. */
  problems: Problems
  logOf(component: LogComponent): Log
}
