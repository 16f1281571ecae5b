#include "front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A daemon whose loop hasn't turned for so long is hung; it stamps every second (http/alive-stamp.ts). */
	STALE_MS = 2500,
	/* A stamp so much ahead is from before a restart of the machine, or of another's clock. */
	AHEAD_MS = 1000,
	STAMP_BYTES = 20,
};

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The stamp holds the monotonic clock's milliseconds, so that neither a clock that is set nor a suspended machine
   makes a live daemon look dead. */
enum life daemon_life(const char *socket)
{
	char path[PATH_MAX + 8];
	char text[32];
	struct stat found;
	if (stat(socket, &found) != 0 || !S_ISSOCK(found.st_mode)) {
		return LIFE_NONE;
	}
	snprintf(path, sizeof path, "%s.alive", socket);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return LIFE_UNKNOWN;
	}
	ssize_t length = read(fd, text, sizeof text - 1);
	close(fd);
	if (length <= 0 || length > STAMP_BYTES) {
		return LIFE_UNKNOWN;
	}
	text[length] = '\0';
	int64_t age = now_ms() - strtoll(text, NULL, 10);
	if (age < -AHEAD_MS) {
		return LIFE_UNKNOWN;
	}
	return age > STALE_MS ? LIFE_STALE : LIFE_FRESH;
}

void transaction_of(pid_t parent, char *text, size_t room)
{
	char path[64];
	char stat[1024];
	unsigned long long start;
	text[0] = '\0';
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)parent);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return;
	}
	ssize_t length = read(fd, stat, sizeof stat - 1);
	close(fd);
	if (length <= 0) {
		return;
	}
	stat[length] = '\0';
	const char *after = strrchr(stat, ')');
	/* The 22nd field, of which the third is the first after the name. */
	if (after && strstr(stat, "(pacman)") &&
	    sscanf(after + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &start) == 1) {
		snprintf(text, room, "%ld %llu", (long)parent, start);
	}
}
