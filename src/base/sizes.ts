/**
 * Up to this, in bytes, a file is small: it costs more to ask for than to send (at 1 MB/s a quarter of a second, as long
 * as a process, a connection and a greeting). So it waits for no search, and goes by one curl with others.
 */
export const SMALL_BYTES = 256 * 1024
