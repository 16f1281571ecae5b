/** A package file of the keep. Times are milliseconds since the epoch. */
export interface KeptFile {
  name: string
  /** Bytes, with its signature. */
  bytes: number
  /** When it came. */
  keptAt: number
  /** When somebody last had it, or when it came. */
  usedAt: number
}

/**
 * Which files go so that the rest takes `limit` bytes at most: first those of which a newer version is here, then the
 * others, each time what was used longest ago.
 */
export function whatGoes(files: readonly KeptFile[], limit: number): KeptFile[] {
  const newest = new Map<string, number>()
  for (const { name, keptAt } of files) {
    const key = packageOf(name)
    newest.set(key, Math.max(keptAt, newest.get(key) ?? 0))
  }
  const isOld = ({ name, keptAt }: KeptFile) => keptAt < newest.get(packageOf(name))!
  const order = files.toSorted((a, b) => Number(isOld(b)) - Number(isOld(a)) || a.usedAt - b.usedAt)
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0)
  return order.filter(({ bytes }) => {
    if (left <= limit) return false
    left -= bytes
    return true
  })
}

/** `NAME-VERSION-RELEASE-ARCH.pkg.tar.zst`: name and architecture; another name is a package of its own. */
function packageOf(fileName: string): string {
  const [, name, arch] = /^(.+)-[^-]+-[^-]+-([^-.]+)\.pkg\.tar/.exec(fileName) ?? []
  return name === undefined ? fileName : `${name} ${arch}`
}
