/**
 * What a caller says of how it reaches mirrors: its proxies, and its pacman's User-Agent. It applies to that caller
 * only.
 */
export type CallerEnvironment = Readonly<Record<string, string>>

/** What is the same for callers who would reach the same mirrors in the same way, and for no others. */
export function environmentKey(environment: CallerEnvironment): string {
  const entries = Object.entries(environment).filter(([, value]) => value !== '')
  return entries.length === 0 ? '' : JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether what is fetched this way passes through somebody whom the caller chose. */
export function namesProxy(environment: CallerEnvironment): boolean {
  return Object.entries(environment).some(
    ([name, value]) => /_proxy$/i.test(name) && !/^no_/i.test(name) && value !== '',
  )
}

/** Whether a URL has a user's name or password in it. */
export const hasUser = (url: string) => /^[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(url)

/**
 * Of a file's mirrors those that this caller may be served from: a mirror's password, which the caller needn't know,
 * isn't shown to a proxy of the caller's. `url`: what it asked for, so that it knows that one's.
 */
export function mirrorsFor(mirrors: string[], url: string, environment: CallerEnvironment): string[] {
  if (!namesProxy(environment)) return mirrors
  return mirrors.filter((mirror) => mirror === url || !hasUser(mirror))
}
